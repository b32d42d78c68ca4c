"""Roles that several rooms name in their `may=` and `read=`; a grant gives them, here and below."""

from __future__ import annotations

from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.rules import Role

CLERK = Role("clerk", "窗口人员")
GRID_OFFICER = Role("grid_officer", "网格员")
COMMUNITY_WORKER = Role("community_worker", "社区工作者")
PROPERTY_STAFF = Role("property_staff", "物业人员")
POLICE = Role("police", "民警")
FAMILY_DOCTOR = Role("family_doctor", "家庭医生")
VOLUNTEER = Role("volunteer", "志愿者")
GUIDE = Role("guide", "讲解员")
SUPERVISOR = Role("supervisor", "督办人员")
ORGANISER = Role("organiser", "组织方")
DEVICE = Role("device", "设备")
ACCOUNTANT = Role("accountant", "会计")
APPROVER = Role("approver", "审批人")

ROLES = (
    ADMINISTRATOR,
    CLERK,
    GRID_OFFICER,
    COMMUNITY_WORKER,
    PROPERTY_STAFF,
    POLICE,
    FAMILY_DOCTOR,
    VOLUNTEER,
    GUIDE,
    SUPERVISOR,
    ORGANISER,
    DEVICE,
    ACCOUNTANT,
    APPROVER,
)
BY_NAME = {role.name: role for role in ROLES}
