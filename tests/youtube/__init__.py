"""A stand-in for YouTube on loopback, which unpatched yt-dlp extracts and downloads from.

    with YouTube(encoded_media()) as youtube:
        subprocess.run([..., youtube.url(PLAIN)], env=os.environ | youtube.env)

Tests take it as the fixture `youtube` (`tests.youtube.fixtures`); `python -m tests.youtube` serves it
by hand.
"""

from tests.youtube.behaviour import Exchange, Log
from tests.youtube.media import Media, Rendition, encoded_media
from tests.youtube.server import YouTube
from tests.youtube.site import Kind

__all__ = ["Exchange", "Kind", "Log", "Media", "Rendition", "YouTube", "encoded_media"]
