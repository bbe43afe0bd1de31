"""Certificates that are read again when their files change."""

from __future__ import annotations

import io

from resolver import certificates
from resolver.config import Config
from resolver.observe.log import Log
from resolver.renewal import Renewal
from resolver.testing.virtual_time import VirtualClock
from tests.support.certificates import write


def made(tmp_path, **settings):
    certificate, key = write(tmp_path)
    given = {"listen_tls": ["127.0.0.1:0"], "tls_certificate": str(certificate), "tls_key": str(key), **settings}
    return Config.model_validate({"server": given}).server, certificate, key


def test_a_file_that_changed_is_read_and_shown_and_one_that_cannot_be_is_told_once(run, tmp_path):
    async def main():
        server, certificate, key = made(tmp_path)
        clock, out, renewed = VirtualClock(), io.StringIO(), []
        shown = certificates.shown(server, clock.wall())
        renewal = Renewal(clock, Log(out, clock.wall), renewed.append)
        renewal.watch(server, shown)
        await clock.advance(100)
        assert (renewed, out.getvalue()) == ([], "")
        old_key = key.read_bytes()
        write(tmp_path)
        new_key = key.read_bytes()
        key.write_bytes(old_key)
        await clock.advance(100)
        assert renewed == []
        assert out.getvalue().count("event=certificate_not_renewed") == 1
        assert "is not the key of" in out.getvalue()
        key.write_bytes(new_key)
        await clock.advance(31)
        assert [each.pin != shown.pin for each in renewed] == [True]
        assert f'event=certificate_renewed pin="{renewed[0].pin}"' in out.getvalue()
        await clock.advance(100)
        assert len(renewed) == 1
        certificate.unlink()
        await clock.advance(31)
        assert out.getvalue().count("event=certificate_not_renewed") == 2
        renewal.stop()
        write(tmp_path)
        await clock.advance(100)
        assert len(renewed) == 1

    run(main())


def test_a_certificate_that_breaks_its_reader_is_logged_and_the_files_go_on_being_looked_after(
    run, tmp_path, monkeypatch
):
    async def main():
        server, _, _ = made(tmp_path)
        clock, out, renewed = VirtualClock(), io.StringIO(), []
        renewal = Renewal(clock, Log(out, clock.wall), renewed.append)
        renewal.watch(server, certificates.shown(server, clock.wall()))
        write(tmp_path)
        with monkeypatch.context() as broken:
            broken.setattr(certificates, "from_files", lambda *_: 1 / 0)
            await clock.advance(100)
        assert out.getvalue().count("event=internal_error") == 1
        assert renewed == []
        write(tmp_path)
        await clock.advance(31)
        assert len(renewed) == 1
        renewal.stop()

    run(main())


def test_nobody_looks_where_there_are_no_files_or_it_is_not_wanted(run, tmp_path):
    async def main():
        server, _, _ = made(tmp_path, tls_watch_s=0)
        plain = Config.model_validate({"server": {"listen_tls": ["127.0.0.1:0"]}}).server
        clock, renewed = VirtualClock(), []
        renewal = Renewal(clock, Log(io.StringIO(), clock.wall), renewed.append)
        renewal.watch(server, certificates.shown(server, clock.wall()))
        renewal.watch(plain, certificates.shown(plain, clock.wall()))
        write(tmp_path)
        await clock.advance(1000)
        assert renewed == []

    run(main())
