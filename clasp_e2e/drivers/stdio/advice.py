"""Advice for authors of adapters about the faults that the harness reports."""

ADVICE: tuple[tuple[str, str], ...] = (
    (
        "not JSON",
        "Write only messages to standard output. At the start, duplicate file descriptor 1 for them, and"
        " redirect descriptor 1 to standard error, so that output of libraries goes there.",
    ),
    ("not a JSON object", "Write one message per line, each a JSON object; the protocol has no batches."),
    (
        "notification without a method",
        'Write notifications as {"jsonrpc": "2.0", "method": "peer.event", "params": {...}}.',
    ),
    (
        "closed its standard output",
        "Keep standard output open as long as the process runs.",
    ),
    ("in the middle of a line", "Write complete lines, each with a line feed at its end, and flush."),
    (
        "over 1 MiB",
        "End each message with a line feed; a message contains no line feed and is at most 1 MiB long.",
    ),
    (
        "exited with status",
        "Run the same command by hand: an adapter must run until its standard input is closed. Its output"
        " on standard error should say why it exited.",
    ),
    (
        "ended by signal",
        "Run the same command by hand: an adapter must run until its standard input is closed. The usual"
        " cause of signal 9 is lack of memory.",
    ),
    (
        "its connection ended",
        "See in the terminal or debugger where you started the adapter how it ended. Start the run and the"
        " adapter again.",
    ),
    ("speaks protocol", 'Answer initialize with "protocol": 1, a number.'),
    ('without "jsonrpc"', 'Put "jsonrpc": "2.0" into every message.'),
    ("id is not a whole number", "Answer with the unchanged id of the request, a number."),
    ("names no request", "Answer with the id of the request, not with null."),
    ("a second answer", "Answer each request once: look for code that continues or fails after an answer."),
    ("which was never made", "Answer with the unchanged id of the request."),
    ("neither one answer", 'An answer has either "result" or "error".'),
    ("an error without a code", 'Write errors as "error": {"code": 1000, "message": "words"}.'),
    ("a request; adapters", "Omit the id: an event is a notification, which has no answer."),
    ("unknown notification", 'Send only events, as notifications with the method "peer.event".'),
    (
        "not base64",
        "Encode bytes in base64 (RFC 4648, section 4): with + and /, padding, and no line breaks.",
    ),
    ("unknown peer", 'Put the handle that peer.open gave ("peer") into each event of that peer.'),
    ("unknown event type", "Use the event types that the protocol defines."),
    ("a wrong peer.event", "Give each event the fields that the protocol defines for it."),
    ("unknown word", "Use the words that the protocol defines."),
    (
        "though it said that it does",
        "Offer the call, or remove the capability from the result of initialize.",
    ),
    (
        "was answered with error",
        "Report errors of the implementation with code 1000 and its message. Any other code is a failure"
        " of the adapter itself: fix the one that the message describes.",
    ),
    ("a wrong result of", "Answer with the result that the protocol defines for this method."),
    ("not the adapter, but the harness", "This is a bug in the harness: report it, with these lines."),
    (
        "no answer to",
        "Answer each request, also with an error, and flush. If the implementation's own call does not"
        " return, fix that.",
    ),
)
"""Pairs of a text in the message of a fault, and the advice. The first that matches applies."""


def advice_for(text: str) -> str:
    """Return the advice about the fault with the message `text`."""
    return next((advice for words, advice in ADVICE if words in text), "See the driver protocol.")
