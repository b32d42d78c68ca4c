"""`frozen` promises attrs' own classes; these tests hold each of its against the one that attrs makes at once."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Barrier, Lock
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pytest
from attrs import field

from communitycore.kernel import values
from communitycore.kernel.values import is_frozen

# Not the name that type checkers read: they take `values.frozen` for attrs' own, which is what is tested here.
later: Any = vars(values)["frozen"]

T = TypeVar("T")
Declare = Callable[..., Any]


def _even(_: object, attribute: Any, value: int) -> None:
    if value % 2:
        raise ValueError(f"{attribute.name} is odd")


def _next(value: Any) -> int:
    return value.a + 1


def pair(frozen: Declare) -> type[Any]:
    @frozen
    class Value:
        """Two numbers."""

        a: int
        b: int = 2

        def total(self) -> int:
            return self.a + self.b

    return Value


def named(frozen: Declare) -> type[Any]:
    @frozen(kw_only=True)
    class Value:
        a: str
        b: str = field(default="x", repr=False, eq=False)

    return Value


def detailed(frozen: Declare) -> type[Any]:
    @frozen
    class Value:
        count: ClassVar[int] = 7
        a: int = field(converter=int, validator=_even)
        b: tuple[int, ...] = field(factory=tuple, kw_only=True)
        c: int = field(init=False, default=attrs.Factory(_next, takes_self=True))
        _d: int = 4

        def __attrs_post_init__(self) -> None:
            if self.a > 100:
                raise ValueError("too many")

    return Value


def derived(frozen: Declare) -> type[Any]:
    @frozen(kw_only=True)
    class Base(Generic[T]):
        id: T
        version: int = 0

    @frozen(kw_only=True)
    class Value(Base[str]):
        a: int
        version: int = 5

    return Value


def identical(frozen: Declare) -> type[Any]:
    @frozen(eq=False)
    class Value:
        a: int

    return Value


def silent(frozen: Declare) -> type[Any]:
    @frozen(repr=False)
    class Value:
        a: int

    return Value


def shown(frozen: Declare) -> type[Any]:
    @frozen
    class Value:
        a: int

        def __repr__(self) -> str:
            return "shown"

    return Value


def ordered(frozen: Declare) -> type[Any]:
    @frozen(order=True)
    class Value:
        a: int
        b: int = 1

    return Value


def empty(frozen: Declare) -> type[Any]:
    @frozen
    class Value:
        pass

    return Value


CASES: dict[Callable[[Declare], type[Any]], dict[str, Any]] = {
    pair: {"a": 1},
    named: {"a": "n"},
    detailed: {"a": "2", "b": (1,)},
    derived: {"id": "i", "a": 3},
    identical: {"a": 1},
    silent: {"a": 1},
    shown: {"a": 1},
    ordered: {"a": 1},
    empty: {},
}


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def both(request: pytest.FixtureRequest) -> tuple[type[Any], type[Any], dict[str, Any]]:
    """A class of ours, the same as attrs makes it at once, and arguments for either."""
    return request.param(later), request.param(attrs.frozen), CASES[request.param]


def waiting(cls: type[Any]) -> set[str]:
    return {name for name, value in vars(cls).items() if value.__class__.__name__ == "_Later"}


def told(action: Callable[[], Any]) -> Any:
    """What it gives, or the error it raises."""
    try:
        return action()
    except Exception as error:
        return type(error), str(error)


def test_a_declaration_builds_nothing_and_the_first_instance_all_but_what_compares_and_shows() -> None:
    made = pair(later)
    assert {"__init__", "__attrs_attrs__", "__eq__", "__hash__", "__repr__"} <= waiting(made)
    value = made(1)
    assert waiting(made) == {"__eq__", "__ne__", "__hash__", "__repr__"}
    assert value == made(1)
    assert not waiting(made)


@pytest.mark.parametrize("look", [attrs.fields, attrs.has, inspect.signature, lambda cls: cls.__match_args__])
def test_a_look_at_the_class_builds_it_too(look: Callable[[Any], Any]) -> None:
    made = pair(later)
    assert str(look(made)).replace("later", "frozen") == str(look(pair(attrs.frozen))).replace("later", "frozen")
    assert waiting(made) <= {"__eq__", "__ne__", "__hash__", "__repr__"}


def test_the_class_has_what_attrs_gives_it_under_the_same_names(both: Any) -> None:
    ours, theirs, arguments = both
    assert vars(ours).keys() == vars(theirs).keys()
    assert ours.__slots__ == theirs.__slots__
    for name in ("__module__", "__qualname__", "__doc__", "__annotations__"):
        assert getattr(ours, name) == getattr(theirs, name)
    hash(ours(**arguments)), repr(ours(**arguments))
    assert not waiting(ours)
    assert vars(ours).keys() == vars(theirs).keys()


def test_fields_signature_and_patterns_are_the_same(both: Any) -> None:
    ours, theirs, _ = both
    assert repr(inspect.signature(ours)) == repr(inspect.signature(theirs))
    assert attrs.fields(ours) == attrs.fields(theirs)
    assert attrs.fields(ours).__class__.__name__ == attrs.fields(theirs).__class__.__name__
    assert ours.__match_args__ == theirs.__match_args__
    assert is_frozen(ours)
    assert is_frozen(theirs)


def test_instances_behave_the_same(both: Any) -> None:
    ours, theirs, arguments = both
    mine, its = ours(**arguments), theirs(**arguments)
    assert attrs.asdict(mine) == attrs.asdict(its)
    for action in (
        lambda cls, value: attrs.asdict(cls(*arguments.values())),
        lambda cls, value: attrs.asdict(cls()),
        lambda cls, value: cls(**arguments, more=1),
        lambda cls, value: value == cls(**arguments),
        lambda cls, value: value != cls(**arguments),
        lambda cls, value: value == 1,
        lambda cls, value: {value: 1}.get(cls(**arguments)),
        lambda cls, value: isinstance(value, Hashable),
        lambda cls, value: attrs.asdict(attrs.evolve(value)),
        lambda cls, value: attrs.asdict(attrs.evolve(value, a=101)),
        lambda cls, value: attrs.asdict(copy.copy(value)),
        lambda cls, value: attrs.asdict(copy.deepcopy(value)),
        lambda cls, value: value.__getstate__(),
        lambda cls, value: setattr(value, "a", 1),
        lambda cls, value: delattr(value, "a"),
        lambda cls, value: setattr(value, "other", 1),
        lambda cls, value: weakref.ref(value)() is value,
        lambda cls, value: hasattr(value, "__dict__"),
        lambda cls, value: value < cls(**{**arguments, "a": 2}),
        lambda cls, value: sorted([cls(**{**arguments, "a": 2}), value])[0] is value,
        lambda cls, value: cls.__lt__ is object.__lt__,
        lambda cls, value: "__repr__" in vars(cls) and repr(value),
    ):
        assert told(lambda do=action: do(ours, mine)) == told(lambda do=action: do(theirs, its))


def test_it_is_shown_the_same(both: Any) -> None:
    ours, theirs, arguments = both
    mine, its = (repr(cls(**arguments)).partition(" at 0x")[0] for cls in (ours, theirs))
    assert mine == its


@later(kw_only=True)
class Kept:
    a: int
    b: str = "b"


@later
class Unpickled:
    a: int


def test_it_is_pickled_and_unpickled() -> None:
    value = Kept(a=1)
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_class_that_was_never_used_is_unpickled() -> None:
    program = (
        "import pickle, sys\n"
        "from tests.kernel.test_values import Unpickled\n"
        "assert pickle.loads(bytes.fromhex(sys.argv[1])).a == 1\n"
    )
    subprocess.run([sys.executable, "-c", program, pickle.dumps(Unpickled(1)).hex()], check=True)


def test_patterns_match_by_position() -> None:
    made: Any = pair(later)
    match made(3):
        case made(a, b):
            assert (a, b) == (3, 2)


def test_a_class_built_by_attrs_may_stand_on_one_of_ours_and_the_other_way_round() -> None:
    under: Any = named(later)

    @attrs.frozen(kw_only=True)
    class Above(under):
        c: int

    @later(kw_only=True)
    class Top(Above):
        d: int

    value: Any = Top(a="a", c=1, d=2)
    assert attrs.asdict(value) == {"a": "a", "b": "x", "c": 1, "d": 2}
    assert Top.__slots__ == ("d",)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.c = 2


def test_a_plain_class_on_one_of_ours_has_its_methods() -> None:
    class Plain(pair(later)):
        pass

    assert Plain(1).total() == 3
    assert Plain(1) == Plain(1)


def test_a_method_that_calls_super_finds_its_class() -> None:
    @later
    class Value(pair(later)):
        c: int = 0

        def total(self) -> int:
            return super().total() + self.c

    assert Value(1, c=4).total() == 7


def test_a_property_that_calls_super_finds_its_class() -> None:
    @later
    class Value(pair(later)):
        @property
        def twice(self) -> int:
            return super().total() * 2

    assert Value(1).twice == 6


def test_a_class_method_that_calls_super_finds_its_class() -> None:
    @later
    class Value(pair(later)):
        @classmethod
        def base(cls) -> Any:
            return super().total

    assert Value.base() is Value.__mro__[1].total


class Registered:
    names: ClassVar[list[str]] = []

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        cls.names.append(cls.__name__)


def test_rare_classes_are_built_at_once() -> None:
    @later
    class Cached:
        a: int

        @cached_property
        def more(self) -> int:
            return self.a + 1

    @later
    class Own:
        a: int

        def __init__(self) -> None:
            self.__attrs_init__(5)

    @later
    class Same:
        a: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    @later
    class Untyped:
        a = field()

    @later(cache_hash=True)
    class Hashed:
        a: int

    @later
    class Problem(Exception):
        a: int

    @later
    class Listed(Registered):
        a: int

    for cls in (Cached, Own, Same, Untyped, Hashed, Problem, Listed):
        assert not waiting(cls), cls
    assert Cached(1).more == 2
    assert Own().a == 5
    assert Same(1) == Same(2)
    assert Untyped(3).a == 3
    assert Registered.names == ["Listed"]


def test_a_custom_setattr_is_refused_as_by_attrs() -> None:
    with pytest.raises(ValueError, match="custom __setattr__"):

        @later
        class Value:
            def __setattr__(self, name: str, value: object) -> None: ...


def test_fields_in_the_wrong_order_are_told_at_each_use() -> None:
    @later
    class Wrong:
        a: int = 1
        b: int

    for _ in range(2):
        with pytest.raises(ValueError, match="No mandatory attributes allowed"):
            Wrong(1, 2)


def test_many_threads_may_use_a_class_first() -> None:
    for _ in range(20):
        made = derived(later)
        start = Barrier(4)

        def use(n: int, made: Any = made, start: Barrier = start) -> Any:
            start.wait()
            one, same = made(id="i", a=n % 2), made(id="i", a=n % 2)
            assert one == same
            assert hash(one) == hash(same)
            assert "version=5" in repr(one)
            return attrs.asdict(one)

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(use, range(4))) == [{"id": "i", "a": n % 2, "version": 5} for n in range(4)]


def test_one_thread_at_a_time_has_attrs_build_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one reads the source's names while attrs adds one to them."""
    made, build, start, at_it = pair(later), attrs.frozen, Barrier(4), Lock()

    def slowly(source: Any, **options: Any) -> Any:
        assert at_it.acquire(blocking=False), "two are at it"
        time.sleep(0.01)
        at_it.release()
        return build(source, **options)

    monkeypatch.setattr(attrs, "frozen", slowly)

    def use(n: int) -> Any:
        start.wait()
        return made(n)

    with ThreadPoolExecutor(4) as pool:
        assert [one == made(n) for n, one in enumerate(pool.map(use, range(4)))] == [True] * 4


def test_the_source_is_let_go_once_all_is_built() -> None:
    made = pair(later)
    source = weakref.ref(vars(made)["__init__"].source)
    hash(made(1)), repr(made(1))
    gc.collect()
    assert source() is None


def test_mutable_classes_and_others_are_not_frozen() -> None:
    assert not is_frozen(attrs.define(type("Value", (), {})))
    assert not is_frozen(int)
