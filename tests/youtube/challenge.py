"""The player script with its two challenges, and media addresses that only who solved them may read.

As on the real site, an address carries `expire`, a signature (given scrambled as `s` beside the address) and
a number `n` that the player must transform. The signature covers the transformed `n`, so the server keeps no
list of what it handed out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

PLAYER_ID = "5ee1fee1"
SIGNATURE_TIMESTAMP = 20781
"""Days since the epoch, five digits: which player version a client answers for."""

PLAYER_PATHS = (
    f"/s/player/{PLAYER_ID}/player_ias.vflset/en_US/base.js",
    f"/s/player/{PLAYER_ID}/tv-player-ias.vflset/tv-player-ias.js",
)

LIFETIME = 6 * 3600
"""Seconds until an address expires."""


def descramble(scrambled: str) -> str:
    """What the player script does to `s`: turn it round, then swap its first and eighth letters."""
    letters = list(reversed(scrambled))
    letters[0], letters[7] = letters[7], letters[0]
    return "".join(letters)


def scramble(signature: str) -> str:
    letters = list(signature)
    letters[0], letters[7] = letters[7], letters[0]
    return "".join(reversed(letters))


def solve_n(number: str) -> str:
    """What the player script does to `n`: turn it round and mark it."""
    return number[::-1] + "-ok"


# yt-dlp's solver wants the real script's outline: one namespace function whose first statement it drops, and
# in it a function that builds an address with `alr=yes`, takes the signature's name and value, and returns an
# object whose first own method transforms `n`.
PLAYER_SCRIPT = f"""\
var _yt_player = {{}};
(function (g) {{
  var window = this;
  var config = {{ signatureTimestamp: {SIGNATURE_TIMESTAMP} }};
  var Address = function (text) {{
    this.fields = {{}};
    this.text = text;
  }};
  Address.prototype.unthrottle = function () {{
    var n = this.get("n");
    if (n) this.set("n", n.split("").reverse().join("") + "-ok");
    return this;
  }};
  Address.prototype.get = function (name) {{
    return this.fields[name];
  }};
  Address.prototype.set = function (name, value) {{
    this.fields[name] = value;
  }};
  var unscramble = function (s) {{
    var letters = s.split("");
    letters.reverse();
    var first = letters[0];
    letters[0] = letters[7 % letters.length];
    letters[7 % letters.length] = first;
    return letters.join("");
  }};
  var makeAddress = function (text, name, s) {{
    var address = new Address(text);
    address.set("alr", "yes");
    if (s) address.set(name, encodeURIComponent(unscramble(decodeURIComponent(s))));
    return address;
  }};
  g.makeAddress = makeAddress;
}})(_yt_player);
"""


@dataclass(frozen=True)
class MediaAddress:
    """Where a rendition is read: the host name, and the query of `/videoplayback`."""

    video_id: str
    itag: int
    expire: int


class Signer:
    """Signs media addresses and checks them; every instance has a key of its own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def rotate(self) -> None:
        """Take a new key: every address signed before is void."""
        self._key = secrets.token_bytes(32)

    def sign(self, video_id: str, itag: int, fields: dict[str, str], *, now: float | None = None) -> str:
        """An address that needs no player script, as some clients of the real site get."""
        expire = self._expire(now)
        signature = self._signature(video_id, itag, expire, "")
        return _address(video_id, itag, expire, {**fields, "sig": signature})

    def sign_for_player(
        self, video_id: str, itag: int, fields: dict[str, str], *, now: float | None = None
    ) -> str:
        """The `signatureCipher` of an address whose `s` and `n` the player script must solve."""
        expire = self._expire(now)
        number = secrets.token_urlsafe(12)
        signature = self._signature(video_id, itag, expire, solve_n(number))
        url = _address(video_id, itag, expire, {**fields, "n": number})
        return urlencode({"s": scramble(signature), "sp": "sig", "url": url})

    def check(self, query: str, *, now: float | None = None) -> MediaAddress | None:
        """The address behind a query, or None where it is forged, unsolved, or expired."""
        fields = {name: values[-1] for name, values in parse_qs(query).items()}
        try:
            video_id, itag, expire = fields["id"], int(fields["itag"]), int(fields["expire"])
        except (KeyError, ValueError):
            return None
        signature = self._signature(video_id, itag, expire, fields.get("n", ""))
        genuine = hmac.compare_digest(signature, fields.get("sig", ""))
        if not genuine or expire < (time.time() if now is None else now):
            return None
        return MediaAddress(video_id, itag, expire)

    @staticmethod
    def _expire(now: float | None) -> int:
        return int(time.time() if now is None else now) + LIFETIME

    def _signature(self, video_id: str, itag: int, expire: int, number: str) -> str:
        covered = f"{video_id}/{itag}/{expire}/{number}".encode()
        return hmac.new(self._key, covered, hashlib.sha256).hexdigest()


def _address(video_id: str, itag: int, expire: int, fields: dict[str, str]) -> str:
    query = urlencode({"expire": expire, "id": video_id, "itag": itag, "source": "youtube", **fields})
    return f"https://{media_host(video_id)}/videoplayback?{query}"


def media_host(video_id: str) -> str:
    """Each video lives on a media server of its own, as on the real site."""
    shard = sum(video_id.encode()) % 8 + 1
    return f"rr{shard}---sn-reely7s.googlevideo.com"
