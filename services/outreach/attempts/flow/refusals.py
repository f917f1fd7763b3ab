"""What the API says when an attempt is not logged or not taken back."""

from services.kit.problem import Refusal
from services.outreach.attempts.rules import RefusalCode
from services.outreach.policy import POLICY

_SENTENCES = {
    RefusalCode.IN_FUTURE: ("Attempt In The Future", "An attempt is logged once it has been made."),
    RefusalCode.TOO_OLD: (
        "Attempt Too Old",
        f"Expected attempted_at within {POLICY.attempt_max_age_days} days before the open business day.",
    ),
    RefusalCode.CALLBACK_PAST: (
        "Callback Not In The Future",
        "Expected callback_at after the attempt.",
    ),
    RefusalCode.PROTECTED: ("Contact Protected", "The member's record bars outreach."),
    RefusalCode.OPTED_OUT: ("Opted Out", "The member does not want to be contacted in this way."),
    RefusalCode.CHANNEL_BARRED: ("Channel Barred", "The member's record bars this channel."),
    RefusalCode.NO_CASE: ("No Case", "The member has no case: nobody needs to reach him."),
    RefusalCode.CASE_CLOSED: ("Case Closed", "The case is closed: nobody needs to reach the member."),
    RefusalCode.CASE_PAUSED: ("Case Paused", "The case is paused: nobody is to try the member meanwhile."),
    RefusalCode.TOO_MANY: (
        "Too Many Attempts",
        f"The member was tried {POLICY.attempts_per_window} times within {POLICY.window_days} days.",
    ),
    RefusalCode.AVOIDED: ("Worker Avoided", "The member does not want to be called by you, or by your organisation."),
    RefusalCode.NOT_CLAIMED: ("Not Claimed By You", "Claim the case first; while another worker holds it, it is his."),
    RefusalCode.LEASE_EXPIRED: ("Lease Expired", "Your lease has run out. Claim the case again."),
}
REFUSALS = {code: Refusal(code.value, title, detail) for code, (title, detail) in _SENTENCES.items()}

NO_ATTEMPT = Refusal("unknown-attempt", "Unknown Attempt", "There is no such attempt among your plan's.", 404)
NOT_YOURS = Refusal(
    "not-your-attempt",
    "Not Your Attempt",
    f"Its worker retracts an attempt within {POLICY.own_retraction_hours} hours; afterwards a supervisor.",
)
PROGRAMME_NEEDED = Refusal(
    "programme-needed",
    "Programme Needed",
    "This is said of a vaccine, and the member may be under several programmes: expected programme_id.",
    422,
)
