"""The choice of a device, without any but the CPU: what is available, and the models moved there, are made up."""

import subprocess
import sys

import pytest

from retriever.encoders import device as module
from retriever.encoders.catalogue import MODELS
from retriever.encoders.device import available_devices, choose_device, resolve_device
from retriever.encoders.loading import is_loaded, load_encoder, loaded_device, packaged_fingerprint
from retriever.errors import ParameterError
from retriever.retrievers.dense import DenseRetriever
from retriever.shared_results import once_per_process
from tests.retriever.encoders.test_sentence_transformer import ToyModel
from tests.support.paths import ROOT

TWO_GPUS = ["cuda:0", "cuda:1", "cpu"]
MINILM = "all-MiniLM-L6-v2"


@pytest.fixture
def two_gpus(monkeypatch):
    """Let PyTorch seem to have two GPUs, and let a toy stand for each model that is loaded."""
    monkeypatch.delenv("LAB_DEVICE", raising=False)
    monkeypatch.setattr(module, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(module, "available_devices", lambda: TWO_GPUS)
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())
    monkeypatch.setattr("retriever.encoders.loading._read_transformer", lambda card, weights, progress: ToyModel())


@pytest.mark.parametrize(
    ("requested", "available", "chosen"),
    [
        (None, TWO_GPUS, "cuda:0"),
        (None, ["mps", "cpu"], "mps"),
        (None, ["cpu"], "cpu"),
        ("cpu", TWO_GPUS, "cpu"),
        ("cuda", TWO_GPUS, "cuda:0"),
        ("cuda:1", TWO_GPUS, "cuda:1"),
        ("mps", ["mps", "cpu"], "mps"),
    ],
)
def test_the_best_device_or_the_requested_one_is_chosen(requested, available, chosen):
    assert choose_device(requested, available) == chosen


@pytest.mark.parametrize("requested", ["cuda:2", "mps", "gpu", "CPU ", "cud", ":0"])
def test_a_device_that_is_not_there_is_refused_and_those_that_are_named(requested):
    with pytest.raises(ParameterError) as refused:
        choose_device(requested, TWO_GPUS)
    assert f"{requested!r} is not there: models can run on cuda:0, cuda:1, cpu." in str(refused.value)
    assert "LAB_DEVICE" in str(refused.value)


def test_the_setting_counts_where_nothing_is_requested(two_gpus, monkeypatch):
    assert resolve_device() == "cuda:0"
    for blank in ("", " "):
        monkeypatch.setenv("LAB_DEVICE", blank)
        assert resolve_device() == "cuda:0"
    monkeypatch.setenv("LAB_DEVICE", " cuda:1\n")
    assert (resolve_device(), resolve_device("cpu"), resolve_device("cuda")) == ("cuda:1", "cpu", "cuda:0")
    monkeypatch.setenv("LAB_DEVICE", "mps")
    for name in (load_encoder, DenseRetriever, lambda name: resolve_device()):
        with pytest.raises(ParameterError, match=r"'mps' is not there: models can run on cuda:0, cuda:1, cpu\."):
            retriever = name(MINILM)
            retriever.encoder  # noqa: B018 - a model is loaded when it is first needed


def test_the_cpu_is_the_last_device_that_pytorch_has():
    assert available_devices()[-1] == "cpu"


def test_without_a_gpus_driver_the_cpu_is_chosen_without_loading_pytorch():
    script = (
        "import sys; from retriever.encoders import device; device.DRIVER_FILES = (); sys.platform = 'linux';"
        "print(device.resolve_device(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "cpu False\n", done.stderr


def test_a_model_is_loaded_once_for_each_device_and_moved_there(two_gpus):
    first, second, cpu = (load_encoder(MINILM, device) for device in (None, "cuda:1", "cpu"))
    assert [encoder.device for encoder in (first, second, cpu)] == ["cuda:0", "cuda:1", "cpu"]
    assert [encoder.model.moved_to for encoder in (first, second, cpu)] == [["cuda:0"], ["cuda:1"], []]
    assert load_encoder(MINILM) is load_encoder(MINILM, "cuda") is first
    assert DenseRetriever(MINILM, device="cuda:1").encoder is second
    assert DenseRetriever(MINILM, device="cpu").with_graph(M=4, ef_construction=8).encoder is cpu


def test_what_is_loaded_is_that_of_the_device_in_use(two_gpus, monkeypatch):
    load_encoder(MINILM, "cpu")
    assert not is_loaded(MINILM) and loaded_device(MINILM) == ""
    load_encoder(MINILM)
    assert is_loaded(MINILM) and loaded_device(MINILM) == "cuda:0"
    monkeypatch.setenv("LAB_DEVICE", "cpu")
    assert loaded_device(MINILM) == "cpu"


@pytest.mark.parametrize("cpu_has_it", [True, False])
def test_bfloat16_is_for_the_cpu_and_the_fingerprint_says_which_precision_was_used(two_gpus, monkeypatch, cpu_has_it):
    monkeypatch.setattr("retriever.encoders.loading.cpu_has_bfloat16", lambda: cpu_has_it)
    for device, bfloat16 in ((None, False), ("cuda:1", False), ("cpu", cpu_has_it)):
        encoder = load_encoder(MINILM, device)
        expected = packaged_fingerprint(MODELS[MINILM], bfloat16=bfloat16)
        assert encoder.bfloat16 is bfloat16
        assert encoder.fingerprint == expected == DenseRetriever(MINILM, device=device).fingerprint
        assert packaged_fingerprint(MODELS[MINILM], device=device) == expected
