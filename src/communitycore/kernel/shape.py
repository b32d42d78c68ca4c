"""What a store must know of a kind of record, and the quick functions between record, row and text.

A row is a tuple of str, int and None in the order of `Shape.columns`: id, version, schema, salt, then the
fields, then those that earlier forms of the kind had. Everything that is hashed is made from rows, so verifying
needs stored bytes alone.
The functions are generated once per kind, since every command runs them several times.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache, cached_property
from hashlib import sha256
from hmac import digest as hmac_digest
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import attrs

from communitycore.kernel import convert, times
from communitycore.kernel.errors import BadValue, Damaged, Mistake, TooNew
from communitycore.kernel.ids import Ref, check_id, visible
from communitycore.kernel.money import Money
from communitycore.kernel.rules import Rule
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen, is_frozen

if TYPE_CHECKING:
    from communitycore.kernel.upcast import History, Upcasters

Row = tuple[Any, ...]
Stored = Literal["id", "ref", "text", "int", "bool", "time", "date", "enum", "decimal", "nested"]

ERASED = ""
"""A row's salt once what was personal in the row was erased, and until something personal comes again."""

TEXT_MAX = 10_000
INDEXED_MAX = 191
NESTED_MAX = 4_000_000
EXACT_MAX = 60
"""Characters of a Decimal's text."""
_BITS = 1 << 63

quote: Callable[[str], str] = getattr(json.encoder, "c_encode_basestring", None) or json.encoder.py_encode_basestring


class _Mark(Enum):
    INDEXED = "indexed"
    UNIQUE = "unique"
    PERSONAL = "personal"


INDEXED, UNIQUE, PERSONAL = _Mark.INDEXED, _Mark.UNIQUE, _Mark.PERSONAL


@frozen
class Max:
    """At most this many characters: `Annotated[str, Max(200)]`."""

    length: int


@frozen
class LegalGround:
    """Why the law has a record kept though the person whose it is asks for erasure: the rule and its article."""

    en: str
    zh: str


@frozen
class Column:
    """One column of a kind's table. max: characters, for text."""

    name: str
    type: Stored
    max: int = 0
    indexed: bool = False
    unique: bool = False
    nullable: bool = True


@frozen
class Field:
    """One declared field of a record class: where its columns stand in the row, how its type goes in and out."""

    name: str
    type: Stored | Literal["money"]
    declared: Any
    optional: bool
    personal: bool
    at: int
    max: int
    record: Any

    @property
    def default(self) -> Any:
        """What it is if not given: a value, an attrs.Factory, or attrs.NOTHING."""
        return getattr(attrs.fields(self.record), self.name).default

    @property
    def required(self) -> bool:
        """Whether a row without it cannot be read."""
        return not self.optional and self.default is attrs.NOTHING


HEADER = (
    Column("id", "id", nullable=False),
    Column("version", "int", nullable=False),
    Column("schema", "int", nullable=False),
    Column("salt", "text", max=64),
)


class Shape:
    """A kind's columns, rules and codec. Made by `@record`, read by stores and the hub."""

    def __init__(
        self,
        cls: type[Any],
        kind: str,
        *,
        states: States[Any] | None,
        read: Rule,
        owner: str | None,
        standing: bool,
        subject: bool,
        schema: int,
        actors: Rule | None,
        upcasters: Upcasters | None = None,
        keep: Callable[..., LegalGround | None] | None = None,
    ) -> None:
        self.cls = cls
        self.kind = kind
        self.states = states
        self.read = read
        self.owner = owner
        self.standing = standing
        self.subject = subject
        self.schema = schema
        self.actors = actors
        self.upcasters = upcasters
        self.keep = keep
        self.id_type: Any = _id_type(cls)
        self._encoders: dict[str, Callable[[Any], Any]] = {}

    def __repr__(self) -> str:
        return f"<Shape {self.kind}>"

    def __getattr__(self, name: str) -> Any:
        # What is read off the fields, and the codec generated from that, are made on first use: importing thirty
        # kinds must stay cheap.
        if name in _GENERATED:
            made = _generate(self)
        elif name in _DECLARED:
            made = _read_fields(self)
        else:
            raise AttributeError(name)
        vars(self).update(made)
        return made[name]

    # read off the declared fields. unique: positions of unique columns; state_field: the one with the table's enum;
    # history: the forms before today's, if there were any
    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    by_name: dict[str, Field]
    position: dict[str, int]
    unique: tuple[int, ...]
    salted: bool
    state_field: str | None
    history: History | None

    # generated: to_row(record, version, salt) -> Row; from_row(row) -> record;
    # text(row) -> canonical JSON of its non-null fields; difference(old, new) -> canonical JSON;
    # advance(record, version, row) -> the record with that version, which remembers its row;
    # move(after, before, row of before, version) -> to_row of after, made from what `before` shares with it
    to_row: Callable[[Any, int, str | None], Row]
    from_row: Callable[[Row], Any]
    text: Callable[[Row], str]
    difference: Callable[[Row, Row], str]
    advance: Callable[[Any, int, Row], Any]
    move: Callable[[Any, Any, Row, int], Row]

    def read_row(self, row: Row) -> Any:
        """The record in `row`. Raises Damaged if its bytes are not what they claim to be, TooNew for a later form."""
        try:
            if row[2] > self.schema:
                raise TooNew(kind=self.kind, id=str(row[0]), found=row[2], known=self.schema)
            return self.from_row(row)
        except TooNew:
            raise
        except Exception as cause:
            raise Damaged(kind=self.kind, id=str(row[0]), why=f"{type(cause).__name__}: {cause}") from cause

    def current(self, row: Row) -> Row:
        """`row` in today's form: what was renamed stands in its new place, what was removed is null."""
        return row if self.history is None or row[2] == self.schema else self.history.current(row)

    def filled(self, row: Row) -> Row:
        """`row` as one searches it: in today's form, with the defaults of the fields that it lacks."""
        made = self.current(row)
        for at, value in self.defaults.items():
            if made[at] is None:
                made = (*made[:at], value, *made[at + 1 :])
        return made

    @cached_property
    def defaults(self) -> Mapping[int, Any]:
        """Column -> what stands for a null in it, of the fields that can be searched and are never None."""
        found = {}
        for f in self.fields:
            if not (f.optional or f.default is attrs.NOTHING or f.type in ("nested", "money")):
                made = f.default.factory() if isinstance(f.default, attrs.Factory) else f.default  # type: ignore[arg-type]  # attrs types Factory as a function
                found[f.at] = self.key_of(f.name, made)
        return found

    def added_to(self, there: Container[str]) -> list[Field]:
        """Fields that rows with these columns lack, unless they hold them under an earlier name."""
        told = () if self.history is None else self.history.renewed
        return [f for f in self.fields if self.columns[f.at].name not in there and f.name not in told]

    def lacked_by(self, there: Container[str]) -> frozenset[str]:
        """Those of them that are searched by what rows read as instead: their default."""
        return frozenset(f.name for f in self.added_to(there) if f.at in self.defaults)

    def key_of(self, field: str, value: Any) -> Any:
        """`value` of `field` as it stands in a row, for a search. Raises Mistake for fields that cannot be searched."""
        if field == "id":
            return check_id(value)
        if field == "version":
            return check_int(value, field)
        known = self.by_name.get(field)
        if known is None:
            raise Mistake(f"{self.kind} has no field {field!r}; it has {', '.join(self.by_name)}")
        if known.type in ("nested", "money"):
            raise Mistake(f"{self.kind}.{field} is stored as {known.type} and cannot be searched by")
        if value is None:
            return None
        encode = self._encoders.get(field)
        if encode is None:
            encode = self._encoders[field] = _encoder(self.kind, known)
        return encode(value)


_GENERATED = frozenset({"to_row", "from_row", "text", "difference", "advance", "move"})


_DECLARED = frozenset({"fields", "columns", "by_name", "position", "unique", "salted", "state_field", "history"})


def make_shape(
    cls: type[Any],
    kind: str,
    *,
    states: States[Any] | None,
    read: Rule,
    owner: str | None,
    standing: bool,
    subject: bool,
    schema: int,
    actors: Rule | None = None,
    upcasters: Upcasters | None = None,
    keep: Callable[..., LegalGround | None] | None = None,
) -> Shape:
    """Read `cls`'s types. Raises Mistake for what no store can hold, and for upcasters that contradict them.

    Those of the library's own rooms, which its tests read, are read when first asked for.
    """
    if not (kind.isascii() and kind.replace("_", "").isalnum() and kind.islower() and len(kind) <= 40):
        raise Mistake(f"{kind!r} is no kind's name: lower-case ASCII letters, digits and _, at most 40")
    if "__attrs_attrs__" not in cls.__dict__ or not hasattr(cls, "of_id"):
        raise Mistake(f"{cls.__name__} is not a frozen attrs class over Record[...]; declare it so, below @record")
    shape = Shape(
        cls,
        kind,
        states=states,
        read=read,
        owner=owner,
        standing=standing,
        subject=subject,
        schema=schema,
        actors=actors,
        upcasters=upcasters,
        keep=keep,
    )
    if not cls.__module__.startswith(_OUR_OWN):
        vars(shape).update(_read_fields(shape))
        if untyped := [a.name for a in attrs.fields(cls) if a.name not in {*_OWN, *shape.by_name}]:
            raise Mistake(f"{kind}.{untyped[0]}: a field without a type; say what a store shall hold")
    return shape


def erased_value(field: Field) -> Any:
    """What a personal field reads as once it was erased; attrs.NOTHING if there is nothing that it could be."""
    if field.optional:
        return None
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
        return field.default.factory()
    if field.default is attrs.NOTHING:
        if field.type == "text":
            return ""
        if typing.get_origin(field.declared) is tuple:
            return ()
    return field.default


_OWN = frozenset({"id", "version", "__shape__", "__row__"})  # what every record has
_OUR_OWN = __name__.partition(".")[0] + "."


def _read_fields(shape: Shape) -> dict[str, Any]:
    """What `_DECLARED` names. Raises Mistake for what no store can hold."""
    columns = list(HEADER)
    fields: list[Field] = []
    for name, declared in _hints(shape.cls, _OWN).items():
        fields.append(_field(shape, name, declared, len(columns)))
        columns += _columns(fields[-1], declared)
    history = None
    if shape.schema != 1 or shape.upcasters:
        from communitycore.kernel.upcast import History

        history = History(shape, fields, columns)
        # Rows of an older number are looked for by it.
        columns[2] = Column("schema", "int", indexed=True, nullable=False)
        columns += history.columns
    ever = (*fields, *(() if history is None else history.past))
    _check_together(shape, fields, columns, personal=any(f.personal for f in ever))
    states = shape.states
    return {
        "fields": tuple(fields),
        "columns": tuple(columns),
        "by_name": {f.name: f for f in fields},
        "position": {column.name: n for n, column in enumerate(columns)},
        "unique": tuple(n for n, column in enumerate(columns) if column.unique),
        "salted": any(f.personal for f in ever),
        "state_field": None if states is None else [f.name for f in fields if f.declared is states.kind][-1],
        "history": history,
    }


def _field(shape: Shape, name: str, declared: Any, at: int) -> Field:
    where = f"{shape.kind}.{name}"
    if name in ("schema", "salt", "jurisdiction", "erased"):
        raise Mistake(f"{where}: that name is the store's; choose another")
    marks, optional, plain = unwrap(declared)
    stored = _stored(plain, where)
    longest = next((m.length for m in marks if isinstance(m, Max)), TEXT_MAX)
    if INDEXED in marks or UNIQUE in marks:
        if stored in ("nested", "money"):
            raise Mistake(f"{where}: a {stored} field cannot be indexed")
        longest = min(longest, INDEXED_MAX)
    return Field(name, stored, plain, optional, PERSONAL in marks, at, longest, shape.cls)


def _columns(field: Field, declared: Any) -> list[Column]:
    if field.type == "money":
        return [Column(f"{field.name}_amount", "int"), Column(f"{field.name}_currency", "enum", max=40)]
    marks, _, _ = unwrap(declared)
    width = {"text": field.max, "nested": NESTED_MAX, "enum": 40, "decimal": EXACT_MAX}.get(field.type, 0)
    return [Column(field.name, field.type, width, INDEXED in marks, UNIQUE in marks)]


def _check_together(shape: Shape, fields: list[Field], columns: list[Column], *, personal: bool) -> None:
    kind, states, owner = shape.kind, shape.states, shape.owner
    names = [column.name.lower() for column in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Mistake(f"{kind}: two columns would be called {twice[0]} (a Money field makes _amount and _currency)")
    if states is not None and not any(f.declared is states.kind for f in fields):
        raise Mistake(f"{kind}: no field has the type {states.kind.__name__} of its state table")
    if personal and owner is None:
        raise Mistake(f"{kind} has Personal fields; say whose they are: @record(..., owner='field')")
    if owner not in (None, "id", *(f.name for f in fields)):
        raise Mistake(f"{kind}: owner={owner!r} is none of its fields")
    if any(f.name == owner and f.type not in ("id", "ref", "text") for f in fields):
        raise Mistake(f"{kind}: owner={owner!r} must name one person, by an id or a Ref")
    if lasting := [f.name for f in fields if f.personal and erased_value(f) is attrs.NOTHING]:
        raise Mistake(
            f"{kind}.{lasting[0]}: nothing is left of it once it is erased; "
            "make it Personal[... | None], or give it a default to read as then"
        )


def _hints(cls: type[Any], left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Like typing.get_type_hints with extras, but of fields alone; each class's annotations are compiled in one go.

    Thirty kinds are read when a file is opened, and typing takes as long for each as attrs does to build the class.
    """
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        declared = base.__dict__.get("__annotations__", {})
        wanted = {name: text for name, text in declared.items() if name not in left_out}
        if wanted and all(isinstance(text, str) for text in wanted.values()):
            scope = vars(sys.modules[base.__module__])
            try:
                values = eval("(" + ",".join(wanted.values()) + ",)", scope)  # noqa: S307 - the class's own source
            except NameError:
                typed = typing.get_type_hints(base, include_extras=True)  # its error names the annotation
                values = [typed[name] for name in wanted]
            wanted = dict(zip(wanted, values, strict=True))
        hints.update(wanted)
    return {name: hint for name, hint in hints.items() if ClassVar not in (hint, typing.get_origin(hint))}


def _id_type(cls: type[Any]) -> Any:
    for base in getattr(cls, "__orig_bases__", ()):
        arguments = typing.get_args(base)
        if arguments:
            return arguments[0]
    return str


def unwrap(declared: Any) -> tuple[list[Any], bool, Any]:
    """Its marks, whether it may be None, and the plain type, of a declared type."""
    marks: list[Any] = []
    optional = False
    while True:
        origin = typing.get_origin(declared)
        if origin is Annotated:
            declared, *more = typing.get_args(declared)
            marks += more
        elif origin in (UnionType, typing.Union):
            inner = [option for option in typing.get_args(declared) if option is not NoneType]
            if len(inner) != 1 or len(inner) == len(typing.get_args(declared)):
                return marks, optional, declared
            optional, declared = True, inner[0]
        else:
            return marks, optional, declared


def _stored(plain: Any, where: str) -> Stored | Literal["money"]:
    supertype = getattr(plain, "__supertype__", None)
    if supertype is str:
        return "id"
    if supertype is int:
        return "int"
    if isinstance(plain, type):
        if issubclass(plain, StrEnum):
            if long := [m for m in plain if len(m.value) > 40]:
                raise Mistake(f"{where}: {long[0].value!r} is longer than 40 characters")
            return "enum"
        simple: dict[type, Stored | Literal["money"]] = {
            str: "text",
            bool: "bool",
            int: "int",
            datetime: "time",
            date: "date",
            Decimal: "decimal",
            Ref: "ref",
            Money: "money",
        }
        if plain in simple:
            return simple[plain]
    _check_nested(plain, where)
    return "nested"


_NESTED_FIT: set[type] = set()  # those found fit already


def _check_nested(plain: Any, where: str) -> None:
    _, _, plain = unwrap(plain)
    if typing.get_origin(plain) is tuple:
        for inner in typing.get_args(plain):
            if inner is not Ellipsis:
                _check_nested(inner, where)
        return
    if getattr(plain, "__supertype__", None) in (str, int):
        return
    if isinstance(plain, type):
        if plain in (str, int, bool, datetime, date, Decimal, Ref, Money) or issubclass(plain, StrEnum):
            return
        if hasattr(plain, "to_text") and hasattr(plain, "from_text"):
            return
        if is_frozen(plain):
            if plain not in _NESTED_FIT:
                for name, inner in _hints(plain).items():
                    _check_nested(inner, f"{where}.{name}")
                _NESTED_FIT.add(plain)
            return
    raise Mistake(
        f"{where}: no store can hold {plain!r}; use str, int, bool, datetime, date, Decimal, Money, Ref, an id's "
        "NewType, a StrEnum, or tuples and frozen attrs values of these"
    )


def wrong_type(value: object, declared: Any, where: str) -> BadValue:
    """The error for a value that is not of its declared type."""
    expected = getattr(declared, "__name__", str(declared))
    return BadValue(field=where, why=f"{value!r} is not of type {expected}", why_zh=f"{value!r} 的类型应为 {expected}")


def check_text(value: Any, field: str, longest: int = TEXT_MAX) -> str:
    """`value` if every store can hold it. Raises BadValue for NUL, lone surrogates and too many characters."""
    if not isinstance(value, str):
        raise BadValue(field=field, why=f"{value!r} is not text", why_zh=f"{value!r} 不是文本")
    if len(value) > longest:
        raise BadValue(
            field=field,
            why=f"{len(value)} characters; at most {longest} are allowed",
            why_zh=f"共 {len(value)} 个字符，最多允许 {longest} 个",
        )
    if "\0" in value:
        raise BadValue(field=field, why="it contains a NUL character; remove it", why_zh="含有 NUL 字符，请删除")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue(
                field=field,
                why="it contains half a surrogate pair; the text was cut or decoded wrongly",
                why_zh="含有不成对的代理字符，文本可能被截断或解码有误",
            ) from None
    return value


def check_int(value: Any, field: str) -> int:
    """`value` if it is a whole number of 64 bits. Raises BadValue, for truth values too."""
    if value.__class__ is not int:
        raise BadValue(field=field, why=f"{value!r} is not a whole number", why_zh=f"{value!r} 不是整数")
    if not -_BITS <= value < _BITS:
        raise BadValue(field=field, why="it needs more than 64 bits", why_zh="数值超出 64 位整数范围")
    return int(value)


def _encoder(kind: str, field: Field) -> Callable[[Any], Any]:
    """From a value to its column; for money, to its two."""
    where, declared, longest = f"{kind}.{field.name}", field.declared, field.max

    def wrong(value: Any) -> BadValue:
        return wrong_type(value, declared, where)

    def text(value: Any) -> Any:
        if value.__class__ is str and len(value) <= longest and value.isascii() and "\0" not in value:
            return value
        return check_text(value, where, longest)

    def boolean(value: Any) -> int:
        if value is True:
            return 1
        if value is False:
            return 0
        raise wrong(value)

    def time(value: Any) -> str:
        if not isinstance(value, datetime):
            raise wrong(value)
        return times.to_text(value, where)

    def day(value: Any) -> str:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise wrong(value)
        return value.isoformat()

    def member(value: Any) -> str:
        if value.__class__ is not declared:
            raise wrong(value)
        return value._value_  # type: ignore[no-any-return]  # an Enum keeps its value without a type

    def exact(value: Any) -> str:
        if not isinstance(value, Decimal) or not value.is_finite():
            raise wrong(value)
        return check_text(str(value), where, EXACT_MAX)

    def ref(value: Any) -> str:
        if not isinstance(value, Ref):
            raise wrong(value)
        return f"{check_id(value.jurisdiction, where)}/{check_id(value.id, where)}"

    def money(value: Any) -> tuple[int, str]:
        if not isinstance(value, Money):
            raise wrong(value)
        return check_int(value.amount, where), value.currency

    several = typing.get_origin(declared) is tuple

    def nested(value: Any) -> str:
        if value == () and several:
            return "[]"
        checked()(value)
        made = value.to_text() if hasattr(value, "to_text") else convert.to_text(value, declared)
        return check_text(made, where, NESTED_MAX)

    @cache
    def checked() -> Callable[[Any], object]:
        from communitycore.kernel.nested import checker

        return checker(declared, where)

    encoders: dict[str, Callable[[Any], Any]] = {
        "id": lambda value: check_id(value, where),
        "ref": ref,
        "text": text,
        "int": lambda value: check_int(value, where),
        "bool": boolean,
        "time": time,
        "date": day,
        "enum": member,
        "decimal": exact,
        "money": money,
        "nested": nested,
    }
    return _discreet(encoders[field.type]) if field.personal else encoders[field.type]


def _discreet(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but its errors, which may be logged, do not tell the value."""

    def encoder(value: Any) -> Any:
        try:
            return encode(value)
        except BadValue as error:
            shown = value.isoformat() if isinstance(value, datetime) else repr(value)
            why, why_zh = (error.data[name].replace(shown, "it") for name in ("why", "why_zh"))
            raise BadValue(field=error.field, why=why, why_zh=why_zh) from None

    return encoder


def _decoder(field: Field) -> Callable[[Any], Any]:
    declared = field.declared
    several = typing.get_origin(declared) is tuple

    def nested(text: str) -> Any:
        if text == "[]" and several:
            return ()
        if hasattr(declared, "from_text"):
            return declared.from_text(text)
        return convert.from_text(text, declared)

    decoders: dict[str, Callable[[Any], Any]] = {
        "ref": Ref.parse,
        "bool": bool,
        "time": times.from_text,
        "date": date.fromisoformat,
        # calling the enum takes ten times as long as looking into its members
        "enum": {member.value: member for member in declared}.__getitem__ if field.type == "enum" else declared,
        "decimal": Decimal,
        "nested": nested,
    }
    return decoders.get(field.type, _same)


def _same(value: Any) -> Any:
    return value


# HMAC as in RFC 2104, for a key as long as SHA-256's block. The standard library's hmac, which takes any key, sets up a
# digest by name at each call, which costs more than the two hashes; tests hold one against the other.
_BLOCK = 64
_INNER, _OUTER = (bytes(n ^ pad for n in range(256)) for pad in (0x36, 0x5C))


def personal_mac(salt: str | None, field: str, text: str) -> str:
    """How a personal value enters hashes: the HMAC-SHA-256 of its canonical text, keyed by its row's salt."""
    if not salt:
        raise Mistake(f"{field}: a personal value without its row's salt")
    key, message = salt.encode(), f"{field}\0{text}".encode()
    if len(key) != _BLOCK:
        made = hmac_digest(key, message, "sha256").hex()
    else:
        made = sha256(key.translate(_OUTER) + sha256(key.translate(_INNER) + message).digest()).hexdigest()
    return '{"hmac":"' + made + '"}'


def _missing(field: str) -> Any:
    raise ValueError(f"{field} is missing")


def _whole(text: str) -> bool:
    """Whether it has no half of a surrogate pair in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encoded(field: Field, v: str) -> str:
    """Source of the column, or for money the two, of a value `v`: at once where it is plainly fit, else encoded."""
    name = f"enc_{field.name}({v})"
    made = {
        "id": f"{v} if {v}.__class__ is str and visible({v}) else {name}",
        "int": f"{v} if {v}.__class__ is int and LEAST <= {v} <= MOST else {name}",
        "text": f"{v} if {v}.__class__ is str and len({v}) <= {field.max} and NUL not in {v} "
        f"and ({v}.isascii() or whole({v})) else {name}",
        "bool": f"1 if {v} is True else 0 if {v} is False else {name}",
        "enum": f"{v}._value_ if {v}.__class__ is type_{field.name} else {name}",
    }.get(field.type, name)
    if typing.get_origin(field.declared) is tuple:
        made = f"'[]' if {v}.__class__ is tuple and not {v} else {name}"
    if field.optional:
        made = f"{'(None, None)' if field.type == 'money' else 'None'} if {v} is None else {made}"
    return f"({made})"


def _column_text(field: Field, column: str) -> str:
    """Source of the canonical JSON of one non-null column value."""
    return {
        "int": f"str({column})",
        "bool": f"('true' if {column} else 'false')",
        "nested": column,
        "money": "''",
    }.get(field.type, f"quote({column})")


def _generate(shape: Shape) -> dict[str, Any]:
    """Write, compile and return the kind's codec."""
    scope: dict[str, Any] = {
        "quote": quote,
        "cls": shape.cls,
        "new": shape.cls.__new__,
        "check_id": check_id,
        "visible": visible,
        "whole": _whole,
        "NUL": "\0",
        "LEAST": -_BITS,
        "MOST": _BITS - 1,
        "SCHEMA": shape.schema,
        "missing": _missing,
        "mac": personal_mac,
        "current": shape.current,
        "set_id": shape.cls.id.__set__,
        "set_version": shape.cls.version.__set__,
        "set_row": shape.cls.__row__.__set__,
    }
    source = "\n".join(_source(shape, scope))
    exec(compile(source, f"<codec of {shape.kind}>", "exec"), scope)
    return {name: scope[name] for name in _GENERATED}


def _source(shape: Shape, scope: dict[str, Any]) -> Iterator[str]:
    past = () if shape.history is None else shape.history.past
    ordered = sorted((*shape.fields, *past), key=lambda f: f.name)
    nothing = ", None" * sum(2 if f.type == "money" else 1 for f in past)
    for f in shape.fields:
        scope[f"enc_{f.name}"] = _encoder(shape.kind, f)
        scope[f"dec_{f.name}"] = _decoder(f)
        scope[f"set_{f.name}"] = getattr(shape.cls, f.name).__set__
        scope[f"type_{f.name}"] = f.declared

    yield "def to_row(r, version, salt):"
    for f in shape.fields:
        yield f"    v{f.at} = r.{f.name}"
    yield "    return (check_id(r.id), version, SCHEMA, salt"
    for f in shape.fields:
        yield f"    , {'*' if f.type == 'money' else ''}{_encoded(f, f'v{f.at}')}"
    yield f"    {nothing})"

    yield "def move(r, before, row, version):"
    if past:
        yield "    if row[2] != SCHEMA: row = current(row)"
    yield "    return (row[0], version, SCHEMA, None"
    for f in shape.fields:
        # A field that the record shares with the one before it was checked and written when that was. A null in the
        # row of a field that is never None was added after the row was written: its default is written out now.
        same = f"(v := r.{f.name}) is before.{f.name}" + ("" if f.optional else f" and row[{f.at}] is not None")
        star, kept = ("*", f"(row[{f.at}], row[{f.at + 1}])") if f.type == "money" else ("", f"row[{f.at}]")
        yield f"    , {star}({kept} if {same} else {_encoded(f, 'v')})"
    yield f"    {nothing})"

    plain = not any(a.validator or a.converter for a in attrs.fields(shape.cls))
    plain = plain and not hasattr(shape.cls, "__attrs_post_init__")
    yield "def from_row(row):"
    yield "    held = row"
    if past:
        yield "    if row[2] != SCHEMA: row = current(row)"
    yield "    r = new(cls)" if plain else "    r = cls(id=row[0], version=row[1]"
    if plain:
        yield "    set_id(r, row[0])"
        yield "    set_version(r, row[1])"
    for f in shape.fields:
        stored = f"row[{f.at}]"
        value = {"money": f"enc_money({stored}, row[{f.at + 1}])", "id": stored, "int": stored, "text": stored}.get(
            f.type, f"dec_{f.name}({stored})"
        )
        scope["enc_money"] = Money
        if f.optional:
            absent = "None"
        elif f.default is attrs.NOTHING:
            absent = f"missing({f.name!r})"
            if f.personal:
                absent = f"({erased_value(f)!r} if row[3] == {ERASED!r} else {absent})"
        elif isinstance(f.default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
            scope[f"default_{f.name}"] = f.default.factory
            absent = f"default_{f.name}()"
        else:
            scope[f"default_{f.name}"] = f.default
            absent = f"default_{f.name}"
        found = f"{absent} if {stored} is None else {value}"
        yield f"    set_{f.name}(r, {found})" if plain else f"    , {f.name}={found}"
    if not plain:
        yield "    )"
    yield "    set_row(r, held)"
    yield "    return r"

    def one(f: Field, row: str) -> str:
        column = f"{row}[{f.at}]"
        text = (
            f"'[' + str({column}) + ',' + quote({row}[{f.at + 1}]) + ']'"
            if f.type == "money"
            else _column_text(f, column)
        )
        return f"mac({row}[3], {f.name!r}, {text})" if f.personal else text

    yield "def text(row):"
    yield "    parts = []"
    for f in ordered:
        # A currency without an amount is nobody's writing: it must not go unseen.
        there = f"row[{f.at}] is not None" + (f" or row[{f.at + 1}] is not None" if f.type == "money" else "")
        yield f"    if {there}: parts.append({quote(f.name) + ':'!r} + {one(f, 'row')})"
    yield "    return '{' + ','.join(parts) + '}'"

    yield "def difference(old, new):"
    yield "    parts = []"
    for f in ordered:
        span = (f.at, f.at + 1) if f.type == "money" else (f.at,)
        changed = " or ".join(f"old[{n}] != new[{n}]" for n in span)
        before = f"('null' if old[{f.at}] is None else {one(f, 'old')})"
        after = f"('null' if new[{f.at}] is None else {one(f, 'new')})"
        yield f"    if {changed}: parts.append({quote(f.name) + ':['!r} + {before} + ',' + {after} + ']')"
    yield "    return '{' + ','.join(parts) + '}'"

    yield "def advance(r, version, row):"
    yield "    n = new(cls)"
    yield "    set_row(n, row)"
    yield "    set_id(n, r.id)"
    yield "    set_version(n, version)"
    for f in shape.fields:
        yield f"    set_{f.name}(n, r.{f.name})"
    yield "    return n"
