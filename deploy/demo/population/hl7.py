"""What every VXU^V04 file of the demo begins with, and the code names that its segments repeat."""

from datetime import date

CODE_NAMES = {
    "2106-3": "White",
    "2054-5": "Black or African American",
    "2028-9": "Asian",
    "2076-8": "Native Hawaiian or Other Pacific Islander",
    "1002-5": "American Indian or Alaska Native",
    "2131-1": "Other Race",
    "2135-2": "Hispanic or Latino",
    "2186-5": "Not Hispanic or Latino",
}


def batch_headers(application: str, registry: str, day: date, part: int) -> str:
    control = f"{day:%Y%m%d}{part:02d}"
    return "".join(
        f"{kind}|^~\\&|{application}|{registry}|VCC|PLANS|{day:%Y%m%d}0500||{registry}-{control}||{kind[0]}{control}\r"
        for kind in ("FHS", "BHS")
    )


def message_header(application: str, registry: str, day: date, control: str) -> str:
    return (
        f"MSH|^~\\&|{application}|{registry}|VCC|PLANS|{day:%Y%m%d}0500-0800||VXU^V04^VXU_V04|{control}|P|2.5.1|||ER|AL"
        f"||UNICODE UTF-8|||Z22^CDCPHINVS|{registry}|VCC"
    )


def batch_trailers(messages: int) -> str:
    return f"BTS|{messages}\rFTS|1\r"


def coded(code: str) -> str:
    """A CDC race or ethnicity with its name."""
    return f"{code}^{CODE_NAMES[code]}^CDCREC"
