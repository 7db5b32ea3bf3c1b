"""What an adapter's author can do about a fault that the harness names."""

ADVICE: tuple[tuple[str, str], ...] = (
    (
        "not JSON",
        "Standard output is for messages alone. Before anything else, duplicate file descriptor 1 for"
        " them and put standard error in its place, so that whatever a library prints goes there.",
    ),
    ("not a JSON object", "Write one message a line, each a JSON object; the protocol has no batches."),
    (
        "notification without a method",
        'Write notifications as {"jsonrpc": "2.0", "method": "peer.event", "params": {...}}.',
    ),
    (
        "closed its standard output",
        "Keep standard output open as long as the process runs.",
    ),
    ("in the middle of a line", "Write whole lines, each ended by a line feed, and flush."),
    (
        "over 1 MiB",
        "End each message with a line feed; a message has no line feed within it and is at most 1 MiB long.",
    ),
    (
        "exited with status",
        "Start the same command by hand: an adapter stays until its standard input is closed, and what it"
        " prints on standard error says why it left.",
    ),
    (
        "ended by signal",
        "Start the same command by hand: an adapter stays until its standard input is closed. Signal 9"
        " without another reason is most often memory that ran out.",
    ),
    (
        "its connection ended",
        "You started it: where it was started stands how it ended. Start the run and the adapter again.",
    ),
    ("speaks protocol", 'Answer initialize with "protocol": 1, a number.'),
    ('without "jsonrpc"', 'Put "jsonrpc": "2.0" into every message.'),
    ("id is not a whole number", "Answer with the id of the request, as it came: a number."),
    ("names no request", "Answer with the id of the request, not with null."),
    ("a second answer", "Answer each request once: look for a path that answers and then fails, or goes on."),
    ("which was never made", "Answer with the id of the request, as it came."),
    ("neither one answer", 'An answer has either "result" or "error".'),
    ("an error without a code", 'Write errors as "error": {"code": 1000, "message": "words"}.'),
    ("a request; adapters", "Leave out the id: an event is a notification, and gets no answer."),
    ("unknown notification", 'Events are notifications of the method "peer.event", and the only ones.'),
    (
        "not base64",
        "Encode bytes in base64 as RFC 4648 has it: + and /, padding, no line breaks.",
    ),
    ("unknown peer", 'Put the handle that peer.open gave ("peer") into each event of that peer.'),
    ("unknown event type", "Name events as the protocol does."),
    ("a wrong peer.event", "Give each event the fields that the protocol names for it."),
    ("unknown word", "Use the words of the protocol."),
    ("though it said that it does", "Offer the call, or take the capability out of what initialize says."),
    (
        "was answered with error",
        "What the implementation refuses has code 1000 and its own words. Any other code says that the"
        " adapter itself failed: mend what it names.",
    ),
    ("a wrong result of", "Answer with the result that the protocol names for this method."),
    ("not the adapter, but the harness", "This is a defect of the harness: report it, with these lines."),
    (
        "no answer to",
        "Answer each request, an error included, and flush. If the implementation's own call does not"
        " return, that is what is to be mended.",
    ),
)
"""Words of the fault, and what to do; the first that are met hold."""


def advice_for(text: str) -> str:
    """What to do about the fault that `text` describes, in the harness's words."""
    return next((advice for words, advice in ADVICE if words in text), "See the driver protocol.")
