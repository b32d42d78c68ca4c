"""An embedder's whole program: a community, its grid and officer, and one ticket on its way."""

import communitycore as cc
from communitycore import Area, Point, Ref, people, places, tickets
from communitycore.domain.roles import CLERK, GRID_OFFICER

hub = cc.open("memory://")  # or sqlite:///town.db
square = Area.box(117.0, 36.96875, 117.03125, 37.0)
town = hub.found("370115002023", name="汇鑫社区", level="community", extent=square)
admin = hub.desk("370115002023", actor=hub.administrator(town.id))
grid = admin.do(places.draw_grid, name="第一网格", area=square)
staff = [admin.do(people.register, name=name) for name in ("窗口 Wang", "网格员 Li", "居民 Zhang")]
clerk, officer, resident = (Ref(town.id, party.id) for party in staff)
admin.do(people.appoint, holder=clerk, duty=CLERK)
admin.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid.id)
lamps = admin.do(tickets.define_category, name_zh="楼道照明", part=tickets.Part.PART)

app, desk = hub.desk(town.id, resident), hub.desk(town.id, clerk)
ticket = app.do(
    tickets.report,
    source=tickets.Source.APP,
    title="楼道灯不亮",
    category=lamps.id,
    point=Point(117.01, 36.98),
    reporter=staff[2].id,
    message="app-1",  # sent twice, it stays one
)
desk.do(tickets.accept, ticket.id)
ticket = desk.do(tickets.dispatch, ticket.id)
print(ticket.status.zh, ticket.assignee == officer)
try:
    app.do(tickets.start, ticket.id)
except cc.Refused as refused:
    print(refused.say("zh"))
print(hub.verify().ok)
