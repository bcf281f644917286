"""The API of `itrans serve`: what comes back of which request."""

from __future__ import annotations

import gc
import io
import re
import socket
import zipfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import httpx
import numpy as np
import pytest
from guests.serve.conftest import add_pairs, trained
from guests.serve.serving import PNG, decoded, detail, get, noise, png, post, running

from itrans.api import load
from itrans_serve.desk import Desk
from itrans_serve.served import load_all


def test_a_picture_is_translated_as_the_command_does(address, colours, itrans, tmp_path):
    content = png(noise(19, 23))
    (tmp_path / "cat.png").write_bytes(content)
    done = itrans("translate", colours, "cat.png", "-o", "out", "--seed", 5, "--precision", "fp32")
    assert done.exit_code == 0, done.output
    answer = post(address, content, seed=5)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(decoded(answer.content), decoded((tmp_path / "out" / "cat.png").read_bytes()))


def test_samples_are_those_of_the_seed_and_the_next_ones(address):
    content = png(noise())
    alone = [post(address, content, seed=seed).content for seed in (7, 8, 9)]
    assert len(set(alone)) == 3
    answer = post(address, content, seed=7, samples=3)
    assert answer.headers["content-type"] == "application/zip"
    assert unpacked(answer) == {"1.png": alone[0], "2.png": alone[1], "3.png": alone[2]}


def unpacked(answer: httpx.Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_several_pictures_come_as_a_form(address):
    contents = [png(noise(seed=1)), png(noise(20, 12, seed=2))]
    files = [("picture", (f"../../{number}.png", content)) for number, content in enumerate(contents)]
    answer = httpx.post(f"{address}/translate", files=files, timeout=60)
    alone = [post(address, content).content for content in contents]
    assert unpacked(answer) == {"1.png": alone[0], "2.png": alone[1]}


def test_pictures_of_many_clients_share_batches_and_are_what_they_are_alone(served):
    contents = [png(noise(seed=seed)) for seed in range(8)]
    with Desk(served) as desk, running(desk) as address:
        alone = [post(address, content).content for content in contents]
        with ThreadPoolExecutor(8) as clients:
            together = list(clients.map(lambda content: post(address, content).content, contents * 4))
        assert together == alone * 4
        text = get(address, "/metrics").text
    assert "itrans_pictures_total 40" in text
    batches = int(re.search(r"itrans_batch_size_count (\d+)", text)[1])
    assert batches < 40


def test_label_maps_are_taken_by_their_values(address, labels):
    indices = np.zeros((32, 32, 1), np.uint8)
    indices[8:20, 4:30] = 3
    answer = post(address, png(indices), checkpoint="labels")
    expected = load(labels, precision="fp32").translate(indices)
    assert np.array_equal(decoded(answer.content), expected)
    wrong = post(address, png(indices + 200), checkpoint="labels")
    assert wrong.status_code == 422
    assert "200" in detail(wrong)
    assert "7" in detail(wrong)


def test_a_preview_shows_classes_in_the_palette_s_colours(address):
    described = {entry["name"]: entry for entry in get(address, "/checkpoints").json()}
    classes = described["labels"]["directions"][0]["source"]["classes"]
    assert [entry["name"] for entry in classes][:3] == ["sky", "wall", "roof"]
    indices = np.arange(8, dtype=np.uint8).reshape(2, 4)
    seen = decoded(post(address, png(indices), "/preview", checkpoint="labels").content).reshape(-1, 3)
    assert ["#{:02x}{:02x}{:02x}".format(*colour) for colour in seen] == [entry["colour"] for entry in classes]


def test_what_was_converted_is_said(address):
    answer = post(address, png(noise()[:, :, :1]))
    assert answer.status_code == 200
    assert "grey" in answer.headers["Itrans-Note"]
    assert "Itrans-Note" not in post(address, png(noise())).headers


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"sed": 1}, ("sed", "seed")),
        ({"seed": "x"}, ("seed", "x")),
        ({"seed": -1}, ("seed", "-1")),
        ({"samples": 17}, ("samples", "17")),
        ({"view": "shwn"}, ("view", "shown")),
        ({"checkpoint": "colors"}, ("colors", "colours")),
        ({"direction": "back"}, ("back", "forward")),
        ({"prepare": "true"}, ("prepare=true",)),
    ],
)
def test_what_is_wrong_with_a_query_is_named(address, query, words):
    answer = post(address, png(noise()), **query)
    assert answer.status_code == 422
    for word in words:
        assert word in detail(answer)


def test_models_of_16_bits_take_uploads_and_answer_in_16_bits(place):
    add_pairs(place / "deep_pairs", np.uint16)
    run = trained(place, "deep", f'name = "aligned"\nroot = "{(place / "deep_pairs").as_posix()}"')
    with Desk(load_all([str(run)], lambda _: None)) as desk, running(desk) as address:
        direction = get(address, "/checkpoints").json()[0]["directions"][0]
        assert direction["draw"] is None
        assert "16 bits" in direction["why_not"]
        picture = np.random.default_rng(0).integers(0, 65536, (16, 16, 3), dtype=np.uint16)
        answer = post(address, png(picture))
        assert decoded(answer.content).dtype == np.uint16
        array = post(address, png(picture), format="npy")
        assert np.array_equal(np.load(io.BytesIO(array.content)), decoded(answer.content))


def test_lines_are_drawn_where_the_data_set_drew_them(place):
    (place / "photos").mkdir()
    for index in range(3):
        cv2.imwrite(str(place / "photos" / f"{index}.png"), cv2.resize(noise(4, 4, index), (32, 32)))
    run = trained(place, "lines", f'name = "edges"\nroot = "{(place / "photos").as_posix()}"\nholdout = 0.34')
    with Desk(load_all([str(run)], lambda _: None)) as desk, running(desk) as address:
        photo = (place / "photos" / "0.png").read_bytes()
        assert get(address, "/checkpoints").json()[0]["directions"][0]["prepare"]
        prepared = decoded(post(address, photo, "/preview", prepare=True).content)
        expected = load(run).preparation.source(decoded(photo), None)
        assert np.array_equal(prepared.reshape(expected.shape), expected)
        assert post(address, photo, prepare=True).status_code == 200


def test_examples_are_the_held_out_pictures(address, place, served):
    assert get(address, "/examples").json() == {"count": 3}
    first = decoded(get(address, "/example", number=0).content)
    assert np.array_equal(first, decoded((place / "pairs" / "val" / "0.png").read_bytes())[:, :16])
    missing = get(address, "/example", number=3)
    assert missing.status_code == 404
    assert "3" in detail(missing)


def test_there_are_no_examples_where_the_data_have_gone(place):
    add_pairs(place / "moved")
    run = trained(place, "orphan", f'name = "aligned"\nroot = "{(place / "moved").as_posix()}"')
    (place / "moved").rename(place / "away")
    with Desk(load_all([str(run)], lambda _: None)) as desk, running(desk) as address:
        assert get(address, "/examples").json() == {"count": 0}


def test_the_page_of_the_api_names_all_of_it_and_loads_nothing_from_elsewhere(address):
    page = get(address, "/docs").text
    for path in get(address, "/openapi.json").json()["paths"]:
        assert f" {path}<" in page
    for name in ("checkpoint", "direction", "seed", "samples", "prepare"):
        assert f"<code>{name}</code>" in page
    for file in ("docs", "", "page/style.css", "page/main.js", "page/sheets.js"):
        text = get(address, f"/{file}").text
        addresses = set(re.findall(r"https?://[^\s\"'<>]+", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), file


def test_metrics_count_requests_in_the_text_format_of_prometheus(served):
    with Desk(served) as desk, running(desk) as address:
        post(address, png(noise()))
        post(address, b"no picture")
        get(address, "/nowhere/at/all")
        answer = get(address, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'itrans_requests_total{path="/translate",status="200"} 1' in lines
    assert 'itrans_requests_total{path="/translate",status="422"} 1' in lines
    assert 'itrans_requests_total{path="other",status="404"} 1' in lines
    assert 'itrans_batch_size_bucket{le="1"} 1' in lines
    assert 'itrans_translate_seconds_bucket{le="+Inf"} 2' in lines
    assert "itrans_queue_length 0" in lines
    assert all(
        re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.]+', line) for line in lines
    )


def test_health(address):
    assert get(address, "/health").json() == {"status": "ok", "checkpoints": ["colours", "labels"]}


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"Host": "evil.example"}, "evil.example"),
        ({"Host": "127.0.0.1.evil.example:80"}, "evil.example"),
        ({"Host": ""}, "name"),
        ({"Origin": "https://evil.example"}, "other sites"),
        ({"Origin": "null"}, "other sites"),
    ],
)
def test_pages_of_other_sites_are_refused(address, headers, word):
    answer = httpx.post(f"{address}/translate", content=png(noise()), headers=PNG | headers, timeout=60)
    assert answer.status_code == 403
    assert word in detail(answer)


def test_a_browser_may_load_nothing_but_what_is_here(address):
    for path in ("/", "/docs", "/nowhere", "/health"):
        headers = get(address, path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("origin", ["http://[::1", "http://x]", "null", "http://elsewhere.example"])
def test_pages_of_other_sites_are_refused_whatever_they_call_themselves(address, origin):
    headers = {"Origin": origin, "Content-Type": "image/png"}
    answer = httpx.post(f"{address}/translate", content=png(noise()), headers=headers, timeout=60)
    assert answer.status_code == 403
    assert get(address, "/health").status_code == 200


def test_a_client_that_leaves_makes_no_noise(address, caplog):
    host, port = address.removeprefix("http://").split(":")
    content = png(noise())
    for _ in range(5):
        with socket.create_connection((host, int(port))) as client:
            head = f"POST /translate HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\n"
            client.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    assert post(address, content).status_code == 200
    gc.collect()
    assert caplog.records == []
