"""What is known of Jiyang District 济阳区, and what this demonstration invents.

KNOWN: facts of a page of the district's paper, mid-June 2024 (names of communities, what each is known for, the
133 wishes and their claimants as far as the page names them), restated in words of our own. The official codes are
the statistical division codes of 2023, as in the public lists "Administrative-divisions-of-China" (modood) and
"china-division" (npm).
INVENTED: everything in INVENTED_NOTE; the demonstration says so on screen.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from communitycore.kernel.geometry import Area
from communitycore.kernel.values import frozen

INVENTED_NOTE = (
    "Invented, since the page does not say: the extents and grids (plain rectangles), every person's name and "
    "telephone, household counts, all tickets, the wishes' wording, how many wishes each of the three bodies named "
    "without a count and the unnamed donors took, the two days on which codes and names changed, the yoga's fee, "
    "attendance and proportions (the page says only that a fixed share goes into the fund), the gift and the mats, "
    "how many had their hair cut, and how many beyond 20 the willow weaving put into work."
)
INVENTED_NOTE_ZH = (
    "报道未载、由本演示虚构的内容：辖区与网格范围（均为矩形）、所有人名和电话、户数、全部诉求、微心愿的文字、"
    "未公布数目的三家单位和未留名者各自认领的数目、代码与名称变更的具体日期、瑜伽夜课的收费、人数与分配比例"
    "（报道只说按固定比例进入基金）、捐赠与购置、义剪人数、柳编课堂就业人数中二十以外的部分。"
)

ZONE = "Asia/Shanghai"

DISTRICT_CODE = "370115"
DISTRICT_NAME = "济阳区"
# The district was a county with another code before; the page's year is past that, the days are invented.
COUNTY_CODE = "370125"
COUNTY_NAME = "济阳县"
COUNTY_SINCE = date(1990, 1, 1)
DISTRICT_SINCE = date(2018, 9, 1)

SUBDISTRICTS = {"370115001": "济阳街道", "370115002": "济北街道"}


@frozen
class Community:
    """One of the page's five communities. known_for: what the page says of it. box: invented extent."""

    code: str
    name: str
    subdistrict: str
    known_for: str
    known_for_zh: str
    box: tuple[float, float, float, float]

    @property
    def extent(self) -> Area:
        """Where it lies in this demonstration."""
        return Area.box(*self.box)


DISTRICT_BOX = (116.875, 36.75, 117.375, 37.25)
SUBDISTRICT_BOXES = {
    "370115001": (117.125, 36.9375, 117.25, 37.0),
    "370115002": (117.0, 36.9375, 117.125, 37.0),
}

COMMUNITIES = (
    Community(
        "370115002023",
        "汇鑫社区",
        "370115002",
        "a warm living room in each grid, where officers meet residents",
        "每个网格都有“温馨汇客厅”，网格员与居民常聚",
        (117.0, 36.96875, 117.03125, 37.0),
    ),
    Community(
        "370115001023",
        "银山社区",
        "370115001",
        "a neighbourhood clinic, and family doctors in the grid",
        "比邻医馆、医网融合：家庭医生进网格",
        (117.125, 36.96875, 117.15625, 37.0),
    ),
    Community(
        "370115002027",
        "新元社区",
        "370115002",
        "nightly low-fee yoga, a share of which goes into the community fund",
        "低偿瑜伽夜课，收入按比例进入社区基金",
        (117.03125, 36.96875, 117.0625, 37.0),
    ),
    Community(
        "370115002032",
        "澄波社区",
        "370115002",
        "a willow-weaving course that put more than 20 residents into work",
        "柳编课堂带动二十余名居民在家门口就业",
        (117.0625, 36.96875, 117.09375, 37.0),
    ),
    Community(
        "370115001024",
        "滨城社区",
        "370115001",
        "free haircuts and knife sharpening on a day each month",
        "每月一日义剪、磨刀助邻里",
        (117.15625, 36.96875, 117.1875, 37.0),
    ),
)

FUND_COMMUNITY = "370115002027"
FUND_SHARE, PARTNER_SHARE = "0.3", "0.6"  # invented: the page says "a fixed proportion"
YOGA_EVENINGS = (17, 21, 19, 14, 23, 26, 18)  # invented: how many came
YOGA_SEATS = 30  # invented

HAIRCUT_COMMUNITY = "370115001024"
HAIRCUTS = 35  # invented: how many came on that day
WILLOW_COMMUNITY = "370115002032"
WILLOW_SEATS = 24  # invented
WILLOW_IN_WORK = 22  # the page says "more than 20"; the exact number is invented

ORGANISER = "济阳区文明办"
WISHES = 133
PUBLISHED_AT = datetime(2024, 6, 4, 7, 0, tzinfo=UTC)  # 15:00 local: "4 June, afternoon"
ALL_CLAIMED_BY = datetime(2024, 6, 7, 3, 0, tzinfo=UTC)  # 11:00 local: "7 June, morning"

A_CITIZEN = "一位热心市民"


@frozen
class Claims:
    """One claimant of wishes. counted: the page gives the number. telephone: through a clerk. unnamed: no name left."""

    by: str
    count: int
    counted: bool
    organisation: bool = True
    telephone: bool = False
    unnamed: bool = False


# 13 + 11 + 10 + 9 + 6 + 6 = 55 as the page counts; the other 78 are divided by us.
CLAIMS = (
    Claims("区委宣传部职工", 13, True),
    Claims("幸福家园社工中心成员", 11, True),
    Claims(A_CITIZEN, 10, True, organisation=False, unnamed=True),
    Claims("区域建集团职工", 9, True),
    Claims("区产发集团职工", 6, True),
    Claims("长田人乐善行爱心团", 6, True),
    Claims("区检察院", 5, False),
    Claims("区投促局", 4, False),
    Claims("区农发集团", 4, False),
    *(
        Claims(f"未留名市民{n}", 3 if n < 22 else 2, False, organisation=False, telephone=n % 2 == 0, unnamed=True)
        for n in range(1, 23)
    ),
)
assert sum(claims.count for claims in CLAIMS) == WISHES, "the claims must add up to what was published"

# Invented, and kept plain: what a child might wish for, with no word of who wishes it.
WISH_TITLES = (
    ("a school bag", "一个书包"),
    ("a box of watercolours", "一盒水彩"),
    ("a football", "一个足球"),
    ("a story book", "一本故事书"),
    ("a skipping rope", "一根跳绳"),
    ("a desk lamp", "一盏台灯"),
    ("a pair of running shoes", "一双跑鞋"),
    ("a dictionary", "一本字典"),
    ("a set of building blocks", "一套积木"),
    ("a badminton racket", "一副羽毛球拍"),
    ("a globe", "一个地球仪"),
    ("a warm scarf", "一条围巾"),
)
