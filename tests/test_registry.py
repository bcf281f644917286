from __future__ import annotations

import json
import subprocess
import sys

import pytest

from itrans import plugins
from itrans.api import DATASETS, GENERATORS, LOSSES, PluginError


def test_our_own_components_are_found_through_entry_points():
    found = {(origin.kind, origin.name) for origin in plugins.installed().origins if origin.distribution == "itrans"}
    assert {
        ("generator", "unet"),
        ("generator", "encoder_decoder"),
        ("discriminator", "patchgan"),
        ("loss", "cgan"),
        ("loss", "gan"),
        ("loss", "l1"),
        ("loss", "l2"),
        ("dataset", "aligned"),
        ("dataset", "paired"),
        ("dataset", "openmoji"),
        ("method", "paired"),
    } <= found


def test_listing_imports_neither_torch_nor_the_components():
    code = (
        "import sys; from itrans.api import GENERATORS; names = GENERATORS.names(); "
        "import json; print(json.dumps([names, sorted(set(sys.modules) & {'torch', 'numpy', 'cv2', 'pydantic', "
        "'albumentations', 'itrans_pix2pix'})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, heavy = json.loads(done.stdout)
    assert "unet" in names
    assert heavy == []


def test_an_unknown_name_lists_what_is_installed_and_what_is_near():
    with pytest.raises(PluginError, match=r'no generator "unett"\. Did you mean "unet"\?') as error:
        GENERATORS.get("unett")
    assert "encoder_decoder" in str(error.value)


def test_a_third_party_component_is_listed_with_its_package_and_imported_only_when_asked_for(install):
    install(
        "acme-parts",
        "1.2",
        "[itrans.losses]\nhuber = acme_parts:Huber\n",
        acme_parts="class Huber:\n    role = 'image'\n",
    )
    origin = LOSSES.origin("huber")
    assert (origin.distribution, origin.version, origin.target) == ("acme-parts", "1.2", "acme_parts:Huber")
    assert "acme_parts" not in sys.modules
    assert LOSSES.get("huber").__name__ == "Huber"


def test_a_name_of_two_packages_is_an_error_only_when_used_and_the_qualified_names_always_work(install):
    install("acme", "1.0", "[itrans.generators]\nunet = acme_nets:Net\n", acme_nets="class Net: pass\n")
    names = GENERATORS.names()
    assert {"acme:unet", "itrans:unet"} <= set(names)
    assert "unet" not in names
    with pytest.raises(PluginError, match=r'"acme:unet" or "itrans:unet"') as error:
        GENERATORS.get("unet")
    assert "acme 1.0" in str(error.value)
    assert GENERATORS.get("acme:unet").__name__ == "Net"
    assert GENERATORS.get("itrans:unet").__name__ == "UNet"
    assert GENERATORS.get("encoder_decoder").__name__ == "EncoderDecoder"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_there_at_all\n", "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("1 +\n", "SyntaxError"),
        ("class Other: pass\n", "AttributeError"),
    ],
)
def test_a_plugin_that_fails_on_import_is_named_with_its_version_and_cause(install, source, reason):
    install("bad-parts", "0.3", "[itrans.datasets]\nbroken = bad_parts:Data\n", bad_parts=source)
    assert "broken" in DATASETS.names()
    with pytest.raises(PluginError, match="bad-parts 0.3") as error:
        DATASETS.get("broken")
    assert reason in str(error.value)
    assert DATASETS.get("aligned").__name__ == "Aligned"


def test_an_entry_point_that_is_no_object_reference_is_broken_when_used(install):
    install("odd", "1", "[itrans.losses]\nodd = not a reference!\n")
    with pytest.raises(PluginError, match="odd 1"):
        LOSSES.get("odd")


def test_a_malformed_entry_points_file_of_some_other_package_hides_nobody_else(install):
    site = install("fine", "1", "[itrans.losses]\nfine = fine_parts:Fine\n", fine_parts="class Fine: pass\n")
    install("broken-metadata", "2", "this is [not an ini file\n")
    assert {"fine", "l1"} <= set(LOSSES.names())
    (note,) = plugins.installed().unreadable
    assert str(site / "broken_metadata-2.dist-info" / "entry_points.txt") in note
    with pytest.raises(PluginError, match="broken_metadata"):
        LOSSES.get("of_the_broken_package")


def test_a_percent_sign_in_some_other_entry_point_is_no_problem(install):
    install("percent", "1", "[itrans.losses]\nodd = a%b:c\n")
    assert {"odd", "l1"} <= set(LOSSES.names())


def test_a_component_for_a_newer_api_is_refused_with_the_pip_command(install):
    install("new", "9", "[itrans.losses]\nnew = new_parts:New\n", new_parts="class New:\n    itrans_api = 2\n")
    with pytest.raises(PluginError, match="pip install --upgrade itrans"):
        LOSSES.get("new")


class TestRegister:
    @pytest.fixture(autouse=True)
    def _clean(self):
        yield
        LOSSES.unregister("mine")
        LOSSES.unregister("l1")

    def test_the_decorator_registers_and_returns_the_class(self):
        @LOSSES.register("mine")
        class Mine:
            role = "image"

            def __init__(self, power: int = 2):
                self.power = power

        assert LOSSES.get("mine") is Mine
        assert LOSSES.build({"name": "mine", "power": 3}).power == 3
        assert LOSSES.origin("mine").distribution == "local"

    def test_a_taken_name_needs_replace(self):
        with pytest.raises(PluginError, match="replace=True"):
            LOSSES.register("l1")

        @LOSSES.register("l1", replace=True)
        class Mine:
            pass

        assert LOSSES.get("l1") is Mine
        LOSSES.unregister("l1")
        assert LOSSES.get("l1") is not Mine

    @pytest.mark.parametrize("name", ["", "a:b", "a b", "a\x1b", "n" * 101])
    def test_a_name_must_be_a_plain_name(self, name):
        with pytest.raises(PluginError, match="cannot name a loss"):
            LOSSES.register(name)

    def test_what_is_offered_goes_in_only_where_the_signature_takes_it(self):
        @LOSSES.register("mine")
        class Mine:
            def __init__(self, *, channels: int, **others: int):
                self.channels, self.others = channels, others

        made = LOSSES.build({"name": "mine", "extra": 1}, channels=3, something_new=4)
        assert (made.channels, made.others) == (3, {"extra": 1})
