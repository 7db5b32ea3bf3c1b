"""SDPs and candidates as the WebRTC stacks write them."""

from __future__ import annotations

FINGERPRINT = ":".join(["A1"] * 32)


def _crlf(text: str) -> str:
    return text.strip().replace("\n", "\r\n") + "\r\n"


AIORTC = _crlf(f"""
v=0
o=- 3970000000 3970000000 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic:WMS *
m=application 41234 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 172.17.0.2
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
a=candidate:6815297761 1 udp 2130706431 172.17.0.2 41234 typ host
a=candidate:7b3f0001 1 udp 2130706431 fd00::2 41235 typ host
a=candidate:8c4f0002 1 udp 1694498815 203.0.113.7 41236 typ srflx raddr 172.17.0.2 rport 41234
a=end-of-candidates
a=ice-ufrag:aRtC
a=ice-pwd:aiortcaiortcaiortcaior
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
""")

CHROMIUM = _crlf(f"""
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 50001 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 203.0.113.7
a=candidate:1 1 udp 2113937151 6e3c6f7c-1c1b-4d5f-9d6e-0f1a2b3c4d5e.local 50000 typ host network-cost 999
a=candidate:2 1 tcp 1518280447 192.168.1.4 9 typ host tcptype active generation 0 network-id 1
a=candidate:3 1 udp 1677729535 203.0.113.7 50001 typ srflx raddr 0.0.0.0 rport 0 generation 0
a=ice-ufrag:ChRm
a=ice-pwd:chromiumchromiumchromium
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
""")

FIREFOX = _crlf(f"""
v=0
o=mozilla...THIS_IS_SDPARTA-99.0 1234567890123456789 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {FINGERPRINT}
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=application 52000 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.168.1.4
a=candidate:0 1 UDP 2122252543 192.168.1.4 52000 typ host
a=candidate:1 1 TCP 2105524479 192.168.1.4 9 typ host tcptype active
a=sendrecv
a=end-of-candidates
a=ice-pwd:firefoxfirefoxfirefoxfirefoxfire
a=ice-ufrag:f1refox0
a=mid:0
a=setup:active
a=sctp-port:5000
a=max-message-size:1073741823
""")

WEBRTC_RS = _crlf(f"""
v=0
o=- 7700000000000000001 600000000 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {FINGERPRINT}
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=setup:actpass
a=mid:0
a=sendrecv
a=sctp-port:5000
a=ice-ufrag:RuStRuStRuStRuSt
a=ice-pwd:webrtcrswebrtcrswebrtcrswebrtcrs
""")

NODE_DATACHANNEL = _crlf(f"""
v=0
o=rtc 2890844526 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=group:LS 0
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {FINGERPRINT}
m=application 53000 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 10.0.0.5
a=mid:0
a=sendrecv
a=sctp-port:5000
a=max-message-size:262144
a=setup:passive
a=ice-ufrag:nOdE
a=ice-pwd:nodedatachannelnodedatach
a=candidate:1 1 UDP 2122317823 10.0.0.5 53000 typ host
a=candidate:2 1 UDP 2122187519 fd00::5 53000 typ host
a=candidate:3 1 TCP 2105458943 10.0.0.5 9 typ host tcptype active
a=end-of-candidates
""")

WITH_CANDIDATES = {
    "aiortc": AIORTC,
    "chromium": CHROMIUM,
    "firefox": FIREFOX,
    "node-datachannel": NODE_DATACHANNEL,
}
ALL = {**WITH_CANDIDATES, "webrtc-rs": WEBRTC_RS}

HOST = "candidate:842163049 1 udp 2122260223 192.168.1.4 51000 typ host generation 0 ufrag ChRm network-id 1"
SECOND_HOST = "candidate:842163050 1 udp 2122260222 10.8.0.4 51001 typ host generation 0 ufrag ChRm"
RELAY = "candidate:4 1 udp 41885439 203.0.113.9 3478 typ relay raddr 0.0.0.0 rport 0"
TCP = "candidate:2 1 tcp 1518280447 192.168.1.4 9 typ host tcptype active"
