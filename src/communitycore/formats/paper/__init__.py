"""Paper 纸质凭证: a gift's receipt, a volunteer's certificate and a fund's statement as pages that a browser prints.

Each is one HTML document in Chinese and English that needs nothing besides itself. Needs Jinja2, which the extra
`paper` brings.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from communitycore.domain.funds import AccountType, Receipt, Statement
from communitycore.domain.services import Certificate
from communitycore.formats.paper.capital import capital
from communitycore.kernel.errors import CommunityCoreError

if TYPE_CHECKING:
    from jinja2 import Template


class PaperMissing(CommunityCoreError):
    """Pages are made by a library that is not installed."""

    code = "paper.missing"
    en = "Pages are made with Jinja2, which is not installed. Install it: python -m pip install 'communitycore[paper]'."
    zh = "生成页面需要 Jinja2，尚未安装。请运行：python -m pip install 'communitycore[paper]'。"


def receipt_page(receipt: Receipt) -> str:
    """A receipt 捐赠票据, its amount in figures and in Chinese capitals. Raises PaperMissing."""
    return _page("receipt.html", receipt=receipt, capital=capital(receipt.amount))


def certificate_page(certificate: Certificate, *, name: str | None, body: str, printed: date) -> str:
    """A certificate of volunteer service 志愿服务记录证明, free of charge (R24).

    name: whose it is, as their own record says; None leaves a line to write it on. body: who issues it. printed: when.
    Raises PaperMissing.
    """
    return _page("certificate.html", certificate=certificate, name=name, body=body, printed=printed)


def statement_page(statement: Statement, *, body: str, printed: date) -> str:
    """A ledger's statement for publication 收支公示. Raises PaperMissing."""
    sums = [(type, [s for s in statement.sums if s.type is type]) for type in AccountType]
    return _page("statement.html", statement=statement, sums=sums, types=AccountType, body=body, printed=printed)


def _page(template: str, **words: Any) -> str:
    return _template(template).render(**words)


@cache
def _template(name: str) -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise PaperMissing() from error
    pages = Environment(
        loader=PackageLoader("communitycore.formats.paper", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["hours"] = hours
    return pages.get_template(name)


def hours(minutes: int) -> str:
    """Minutes as hours to a tenth, as hours of service are counted: 90 is 1.5; rounded down, never up."""
    whole, rest = divmod(minutes * 10 // 60, 10)
    return f"{whole}.{rest}" if rest else str(whole)
