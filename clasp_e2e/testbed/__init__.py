"""What a scenario is made of: its worlds, its clients, and the ways to say what is required.

Scenarios import from here and from `clasp_e2e.model`, and from nowhere else.
"""

from clasp_e2e.drivers.interface import NotOffered as NotOffered, Refused as Refused
from clasp_e2e.network import (
    Bandwidth as Bandwidth,
    Datagram as Datagram,
    Impairment as Impairment,
    Nat as Nat,
    SessionDescription as SessionDescription,
    StunServer as StunServer,
    combined as combined,
    delayed as delayed,
    duplicated as duplicated,
    every_nth_lost as every_nth_lost,
    lost as lost,
    reordered as reordered,
    where as where,
)
from clasp_e2e.scripted import partners as partners
from clasp_e2e.testbed.altering import altering_texts as altering_texts
from clasp_e2e.testbed.attacked_router import AttackedRouter as AttackedRouter
from clasp_e2e.testbed.beside import (
    all_has_come_or_is_lost as all_has_come_or_is_lost,
    carries_data_directly as carries_data_directly,
    connects as connects,
    prompt_partner as prompt_partner,
    subject_lives_on as subject_lives_on,
)
from clasp_e2e.testbed.client import Client as Client, Failure as Failure
from clasp_e2e.testbed.expectations import (
    Blocked as Blocked,
    Unmet as Unmet,
    Unobserved as Unobserved,
    expect as expect,
    expect_refusal as expect_refusal,
    ground as ground,
    judging as judging,
    random_payload as random_payload,
    remark as remark,
    show as show,
)
from clasp_e2e.testbed.losing import Unlucky as Unlucky, exchange_under as exchange_under
from clasp_e2e.testbed.relayed import attach_with_turn as attach_with_turn
from clasp_e2e.testbed.scenario import requirement as requirement
from clasp_e2e.testbed.signaling_client import SignalingClient as SignalingClient
from clasp_e2e.testbed.stages import (
    Stage as Stage,
    StagedAttempt as StagedAttempt,
    call_behind_an_offer as call_behind_an_offer,
    glare as glare,
)
from clasp_e2e.testbed.testbed import holds_sdp as holds_sdp
from clasp_e2e.testbed.trickling import Trickle as Trickle
from clasp_e2e.testbed.waiting import together as together
from clasp_e2e.testbed.worlds import (
    Alone as Alone,
    Pair as Pair,
    Path as Path,
    RouterWorld as RouterWorld,
    Sides as Sides,
)
