"""Why an appointment is cancelled, in HL7's codes. Pure."""

from enum import StrEnum

from schemas.scheduling_v1 import MEMBER_DIED


class Cancellation(StrEnum):
    """The whole of HL7's appointment-cancellation-reason code system (FHIR R4)."""

    PAT = "pat"
    PAT_CRS = "pat-crs"
    PAT_CPP = "pat-cpp"
    PAT_DEC = MEMBER_DIED
    PAT_FB = "pat-fb"
    PAT_LT = "pat-lt"
    PAT_MT = "pat-mt"
    PAT_MV = "pat-mv"
    PAT_PREG = "pat-preg"
    PAT_SWL = "pat-swl"
    PAT_UCP = "pat-ucp"
    PROV = "prov"
    PROV_PERS = "prov-pers"
    PROV_DCH = "prov-dch"
    PROV_EDU = "prov-edu"
    PROV_HOSP = "prov-hosp"
    PROV_LABS = "prov-labs"
    PROV_MRI = "prov-mri"
    PROV_ONC = "prov-onc"
    MAINT = "maint"
    MEDS_INC = "meds-inc"
    OTHER = "other"
    OTH_CMS = "oth-cms"
    OTH_ERR = "oth-err"
    OTH_FIN = "oth-fin"
    OTH_IV = "oth-iv"
    OTH_INT = "oth-int"
    OTH_MU = "oth-mu"
    OTH_ROOM = "oth-room"
    OTH_OERR = "oth-oerr"
    OTH_SWIE = "oth-swie"
    OTH_WEATH = "oth-weath"
