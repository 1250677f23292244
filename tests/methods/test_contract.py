"""What every method promises, over the registry: a new file in methods/ is tested without a line here."""

import pickle
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

import methods
from bench.errors import BenchError, MissingWeightsError, UnknownNameError
from bench.weights import TRAINED_HERE, variant_of, write_sum
from methods import METHODS, contestant, make

SIZES = ((1, 1), (1, 7), (5, 3), (17, 33), (96, 64))
FLAT = (0.0, 0.5, 1.0)
FAMILIES = {"classical", "zero-reference", "unpaired", "paired", "none"}
LEARNED = [name for name in METHODS if METHODS.card(name).learned]

every_method = pytest.mark.parametrize("name", METHODS)


def noise(*shape, seed=0, scale=1.0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * scale


def enhanced(enhancer, image):
    with torch.inference_mode():
        return enhancer(image)


def check(result, image):
    assert result.shape == image.shape
    assert result.dtype == torch.float32
    assert result.device == image.device
    assert torch.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


@every_method
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_size_gives_a_picture_of_that_size(enhancer, name, size):
    image = noise(1, 3, *size, scale=0.3)
    check(enhanced(enhancer(name), image), image)


@every_method
@pytest.mark.parametrize("value", FLAT)
def test_flat_pictures_give_pictures(enhancer, name, value):
    image = torch.full((1, 3, 33, 20), value)
    check(enhanced(enhancer(name), image), image)


@every_method
def test_a_batch_equals_its_pictures_one_by_one(enhancer, name):
    method, batch = enhancer(name), noise(3, 3, 33, 40) * torch.tensor([0.1, 0.5, 1.0]).view(3, 1, 1, 1)
    together = enhanced(method, batch)
    alone = torch.cat([enhanced(method, picture[None]) for picture in batch])
    assert (together - alone).abs().max() <= 1e-5
    assert (alone[0] - alone[1]).abs().max() > 1e-3  # the pictures differ, so a mix-up would show


@every_method
def test_the_input_is_not_modified(enhancer, name):
    image = noise(2, 3, 20, 30)
    before = image.clone()
    enhanced(enhancer(name), image)
    assert torch.equal(image, before)


@every_method
def test_the_same_picture_gives_the_same_result_again(enhancer, name):
    image = noise(1, 3, 24, 31)
    method = enhancer(name)
    assert torch.equal(enhanced(method, image), enhanced(method, image))


@every_method
def test_memory_laid_out_otherwise_changes_nothing(enhancer, name):
    image = noise(1, 3, 24, 31)
    turned = image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not turned.is_contiguous()
    assert (enhanced(enhancer(name), turned) - enhanced(enhancer(name), image)).abs().max() <= 1e-5


@every_method
def test_every_card_is_complete(name):
    card = METHODS.card(name)
    assert card.family in FAMILIES
    assert card.year is None or 1960 < card.year < 2100
    assert all((card.title, card.paper, card.trust, card.licence))
    assert "weights" in card.licence
    assert card.learned == (card.family in ("zero-reference", "unpaired", "paired"))
    assert card.as_text()["title"] == card.title
    assert all(isinstance(value, str) and value != "None" for value in card.as_text().values())


def test_the_folder_is_the_list():
    files = Path(methods.__file__).parent.glob("[!_]*.py")
    assert list(METHODS) == sorted(file.stem for file in files)
    assert all(METHODS[name].__name__ == name for name in METHODS)


def test_titles_tell_the_methods_apart():
    assert len({METHODS.card(name).title for name in METHODS}) == len(METHODS)


def test_an_unknown_method_comes_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="no method named 'enlightgan': did you mean enlightengan"):
        METHODS["enlightgan"]


@every_method
def test_a_contestant_makes_the_same_method_in_another_process(enhancer, random_weights, name):
    weights = random_weights(name) if METHODS.card(name).learned else None
    made, source = contestant(name, weights)
    travelled = pickle.loads(pickle.dumps(made))
    image = noise(1, 3, 20, 20)
    assert torch.equal(enhanced(travelled.load().eval(), image), enhanced(enhancer(name), image))
    assert made.name == name
    assert source == (str(weights) if weights else "")
    assert made.digest.startswith(METHODS.source_digest(name))


@pytest.mark.parametrize("name", LEARNED)
def test_the_digest_of_a_contestant_follows_its_weights(random_weights, tmp_path, name):
    from enlightengan.checkpoint import read_weights, save_weights

    state, metadata = read_weights(random_weights(name))
    state = {key: value + 0.01 if value.is_floating_point() else value for key, value in state.items()}
    save_weights(tmp_path / "other.safetensors", state, metadata)
    first, second = contestant(name, random_weights(name))[0], contestant(name, tmp_path / "other.safetensors")[0]
    assert first.checkpoint != second.checkpoint
    assert first.digest == f"{METHODS.source_digest(name)}-{first.checkpoint}"
    assert second.digest == f"{METHODS.source_digest(name)}-{second.checkpoint}"


@pytest.mark.parametrize("name", LEARNED)
def test_without_weights_one_sentence_says_what_to_do(workplace, monkeypatch, name):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    train = "train it .*" if variant_of(name).partition("_no_")[0] in TRAINED_HERE else "give a file .*"
    with pytest.raises(MissingWeightsError, match=rf"no weights for {name}: {train}--checkpoint {name}=FILE"):
        make(name)
    assert list(workplace.iterdir()) == []  # looking for runs makes no database


@pytest.mark.parametrize("name", LEARNED)
def test_shipped_weights_are_used_when_there_is_no_run(workplace, random_weights, monkeypatch, name):
    monkeypatch.setattr("bench.weights.SHIPPED", random_weights(name).parent)
    write_sum(random_weights(name))
    made, source = contestant(name)
    assert source == "shipped with the project"
    assert made.digest == contestant(name, random_weights(name))[0].digest
    assert METHODS[name]().source == source


def test_shipped_weights_that_were_damaged_or_are_not_told_of_are_refused(workplace, random_weights, monkeypatch):
    shipped = workplace / "enlightengan.safetensors"
    shutil.copyfile(random_weights("enlightengan"), shipped)
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    with pytest.raises(BenchError, match=r"SHA256SUMS does not tell the SHA-256 of enlightengan\.safetensors"):
        make("enlightengan")
    write_sum(shipped)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=workplace, check=True)
    make("enlightengan")
    told = (workplace / "SHA256SUMS").read_text()
    content = bytearray(shipped.read_bytes())
    content[-1] ^= 1
    shipped.write_bytes(content)
    with pytest.raises(BenchError, match="is damaged"):
        make("enlightengan", shipped)  # also where it is named
    with pytest.raises(BenchError, match=r"enlightengan\.safetensors is damaged"):
        make("enlightengan")
    for name in ("*enlightengan", "./enlightengan"):  # as sha256sum writes and reads them, too
        (workplace / "SHA256SUMS").write_text(told.replace(" enlightengan", name))
        with pytest.raises(BenchError, match=r"enlightengan\.safetensors is damaged"):
            make("enlightengan")
    content[-1] ^= 1
    shipped.write_bytes(content)
    (workplace / "SHA256SUMS").write_text(told.replace(told.split()[0], told.split()[0].upper()))
    make("enlightengan")


def test_weights_of_another_variant_are_refused(random_weights):
    with pytest.raises(BenchError, match="attention"):
        make("enlightengan", random_weights("enlightengan_no_attention"))


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x08\0\0\0\0\0\0\0{}      "])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_that_holds_no_weights_is_named(tmp_path, content, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=f"broken{suffix}"):
        make("enlightengan", path)
    with pytest.raises(BenchError, match="There is no weights file"):
        make("enlightengan", tmp_path / f"absent{suffix}")
