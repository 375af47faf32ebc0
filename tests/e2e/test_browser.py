"""Promise: a real browser's EventSource lives behind Weir: events arrive one by one, and after a break it resumes by itself."""

import subprocess
import threading

from kit import config
from kit.wait import SCALE

CHROMIUM = "/usr/bin/chromium"  # Debian's, which ./dev test installs
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

PAGE = b"""<!doctype html><title>waiting</title><script>
const seen = [];
const source = new EventSource("/events");
source.onmessage = (event) => {
  seen.push(event.data);
  fetch("/seen/" + event.data);
  if (seen.length == 4) { source.close(); document.title = seen.join(" "); fetch("/done?" + seen.join("+")); }
};
</script>"""


def test_event_source_in_chromium(weir, origin, tmp_path):
    turns, done, asked = {n: threading.Event() for n in range(1, 5)}, threading.Event(), []

    def events(exchange):
        """Two events and a break; the browser comes back with Last-Event-ID and gets the others."""
        last = int(exchange.request.get("last-event-id") or 0)
        asked.append(last)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(last + 1, last + 3):
            event = b"retry: 50\nid: %d\ndata: %d\n\n" % (number, number)
            exchange.send(b"%x\r\n%b\r\n" % (len(event), event))
            turns[number].wait(10)  # the next one is sent only after the page has told that it has this one
        exchange.send(b"0\r\n\r\n")

    origin.on("/", lambda exchange: exchange.reply(200, PAGE, [("Content-Type", "text/html")]))
    origin.on("/events", events)
    for number, turn in turns.items():
        origin.on(f"/seen/{number}", lambda exchange, turn=turn: (turn.set(), exchange.reply(200)))
    origin.on("/done", lambda exchange: (exchange.reply(200), done.set()))
    gateway = weir(config.to_origin(origin))
    browser = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}/profile", f"http://127.0.0.1:{gateway.port}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert done.wait(30 * SCALE), f"the page is not done; the origin saw {[r.target for r in origin.requests]}"
    finally:
        browser.kill()
        browser.wait()
    assert [r.target for r in origin.requests if r.path == "/done"] == ["/done?1+2+3+4"]
    assert asked == [0, 2]
