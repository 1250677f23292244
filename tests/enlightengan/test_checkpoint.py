import resource

import pytest
import torch

from bench.errors import BenchError
from enlightengan.beginning import begun_from
from enlightengan.checkpoint import (
    is_state,
    latest_state,
    load_generator,
    read_state,
    save_state,
    save_weights,
    weights_digest,
)
from enlightengan.enhancer import LearnedEnhancer
from enlightengan.networks import Generator, initialise


@pytest.fixture
def generator():
    made = Generator()
    initialise(made, torch.Generator().manual_seed(0))
    return made.eval()


def test_published_checkpoints_load_as_they_are(generator, tmp_path):
    state = {f"module.{key}": value for key, value in generator.state_dict().items() if "num_batches" not in key}
    torch.save(state, tmp_path / "200_net_G_A.pth")
    loaded, _ = load_generator(tmp_path / "200_net_G_A.pth")
    image = torch.rand(1, 3, 40, 33) * 2 - 1
    torch.testing.assert_close(loaded(image), generator(image))
    assert loaded.align_corners


def test_ours_round_trip_with_metadata_and_the_same_digest(generator, tmp_path):
    path = tmp_path / "deep" / "w.safetensors"
    save_weights(path, generator.state_dict(), {"align_corners": "False"})
    loaded, metadata = load_generator(path)
    assert metadata == {"align_corners": "False"} and not loaded.align_corners
    assert weights_digest(loaded.state_dict()) == weights_digest(generator.state_dict())
    assert [p.name for p in path.parent.iterdir()] == ["w.safetensors"]


def test_digest_changes_with_one_value(generator):
    before = weights_digest(generator.state_dict())
    with torch.no_grad():
        generator.conv1_1.weight[0, 0, 0, 0] += 1e-6
    assert weights_digest(generator.state_dict()) != before


def test_the_variant_follows_from_the_file(tmp_path):
    without = Generator(attention=False)
    torch.save(without.state_dict(), tmp_path / "w.pth")
    assert not load_generator(tmp_path / "w.pth")[0].attention
    told = Generator(key=True)
    save_weights(tmp_path / "key.safetensors", told.state_dict(), {})
    assert load_generator(tmp_path / "key.safetensors")[0].key and not load_generator(tmp_path / "w.pth")[0].key
    rest = {name: value for name, value in told.state_dict().items() if name != "key_floor"}
    assert weights_digest(told.state_dict()) != weights_digest(rest), "another network by the same numbers"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a file of network weights"),
        (b"not weights at all", "is not a file of network weights"),
        ({"conv1_1.weight": torch.zeros(32, 4, 3, 3)}, "missing or unknown"),
        ({"conv1_1.weight": torch.zeros(8, 4, 3, 3)}, "does not fit"),
        ({"other": torch.zeros(1)}, "it has no convolution conv1_1"),
        ({"conv1_1.weight": torch.tensor(1.0)}, "it has no convolution conv1_1"),
        ([1, 2], "not a file of network weights"),
    ],
)
def test_other_files_end_in_a_sentence_that_names_them(tmp_path, content, message):
    path = tmp_path / "strange.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(BenchError, match=message) as caught:
        load_generator(path)
    assert "strange.pth" in str(caught.value)


@pytest.mark.parametrize(
    ("load", "kind"), [(load_generator, "file of network weights"), (read_state, "training state")]
)
def test_a_file_that_would_run_code_is_refused(tmp_path, load, kind):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save(Evil(), tmp_path / "evil.pth")
    with pytest.raises(BenchError, match=f"is not a {kind}") as caught:
        load(tmp_path / "evil.pth")
    assert "weights_only" not in str(caught.value), "torch tells how to run the code all the same"


def test_a_training_state_of_another_name_is_told_of(tmp_path):
    state = save_state(tmp_path, 1, {"step": 1, "networks": {}, "optimisers": {}, "ema": {}})
    assert is_state(state)
    with pytest.raises(BenchError, match=r"best.pt is a training state: name it state-STEP.pt"):
        begun_from(state.rename(tmp_path / "best.pt"))


def test_the_last_two_states_are_kept_and_a_torn_one_is_passed_over(tmp_path):
    for step in (1, 2, 3):
        save_state(tmp_path, step, {"step": step, "networks": {}, "optimisers": {}, "ema": {}})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state-00000002.pt", "state-00000003.pt"]
    (tmp_path / "state-00000004.pt").write_bytes((tmp_path / "state-00000003.pt").read_bytes()[:100])
    (tmp_path / "state-00000005.pt").write_bytes(b"not a state at all")
    heard = []
    assert latest_state(tmp_path, tell=heard.append)["step"] == 3
    assert ["state-00000005.pt is damaged" in heard[0], "state-00000004.pt is damaged" in heard[1]] == [True, True]
    with pytest.raises(BenchError, match="no training state"):
        latest_state(tmp_path / "nowhere")


def test_a_full_disk_is_said_and_nothing_half_written_stays_on_it(tmp_path):
    (tmp_path / ".state-00000001.pt.partial").write_bytes(b"left by a process that was killed")
    state = {"step": 2, "networks": {"a": torch.zeros(1 << 20)}, "optimisers": {}, "ema": {}}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(BenchError, match=r"Cannot write .*state-00000002\.pt: .*File too large"):
            save_state(tmp_path, 2, state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == [".state-00000001.pt.partial"]
    save_state(tmp_path, 2, state)
    assert [p.name for p in tmp_path.iterdir()] == ["state-00000002.pt"]


def test_enhancer_works_in_0_1_and_clips(generator, tmp_path):
    enhancer = LearnedEnhancer(generator, source="here")
    image = torch.rand(2, 3, 20, 30)
    expected = ((generator(image * 2 - 1)[0] + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(enhancer(image), expected)
    assert enhancer.checkpoint == weights_digest(generator.state_dict())
