import numpy as np
import pytest

from graphllm.errors import ConfigError
from graphllm.text.encoder import ENCODERS, TextEncoder, load_encoder
from graphllm.text.minilm import MiniLMEncoder
from graphllm.text.static import StaticEncoder
from graphllm.text.weights import minilm_folder


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_every_encoder_keeps_the_contract(name):
    encoder = load_encoder(name)
    assert isinstance(encoder, TextEncoder)
    texts = ["film", "", "a river", "film"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(["a river"])[0], vectors[2], atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[3], atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert encoder.id == load_encoder(name).id


def test_encoders_have_ids_of_their_own():
    assert len({load_encoder(name).id for name in ENCODERS}) == len(ENCODERS)


def test_an_unknown_name_lists_the_encoders():
    with pytest.raises(ConfigError, match=r"unknown text encoder 'minlm'.*Did you mean 'minilm'"):
        load_encoder("minlm")


def test_static_vectors_ignore_word_order():
    first, second = StaticEncoder().encode(["dog bites man", "man bites dog"])
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_static_vectors_are_the_mean_of_the_input_embeddings():
    texts = ["a film", "Schr\u00f6dinger", "river bank of the north"]
    means = [tokens.states.mean(0) for tokens in MiniLMEncoder().embed_tokens(texts)]
    for vector, mean in zip(StaticEncoder().encode(texts), means, strict=True):
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_sentence_transformers_models_are_opened_by_folder():
    encoder = load_encoder(f"st:{minilm_folder()}")
    texts = ["a film", "a river"]
    assert isinstance(encoder, TextEncoder)
    assert encoder.encode([]).shape == (0, 384)
    np.testing.assert_allclose(encoder.encode(texts), load_encoder().encode(texts), atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["nobody/no-such-model", "/no/such/folder"])
def test_a_model_that_is_not_here_is_a_config_error(name):
    with pytest.raises(ConfigError, match=r"no sentence-transformers model .* on this machine"):
        load_encoder(f"st:{name}")
