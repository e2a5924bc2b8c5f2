"""Tiny language models of random weights, saved as folders the way real ones are."""

import json
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertLMHeadModel,
    BertModel,
    EncoderDecoderModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

TEXT = """Who directed the film Inception? Christopher Nolan directed it in 2010.
The river Rhine flows through Basel, Köln and Rotterdam. Zoë asks: which city is it in?
User: name every edge. Assistant: there are four edges, numbered from one to four. 中文 😀
"""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}"
)
CONTEXT = 256


@cache
def byte_level() -> Tokenizer:
    """A byte-level BPE, like those of GPT-2, Llama 3 and Qwen."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    return tokenizer


@cache
def with_spaces() -> Tokenizer:
    """A unigram model that marks spaces and drops the first when it decodes, like that of T5."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


@cache
def word_pieces() -> Tokenizer:
    """Word pieces between [CLS] and [SEP], like those of BERT."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=150, special_tokens=["[PAD]", "[CLS]", "[SEP]", "[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


def wrapped(**settings: object) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=byte_level(), eos_token="<|endoftext|>", **settings
    )


SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.5,  # so that the next token depends on what stands before
    "tie_word_embeddings": False,
}


def save_llama(folder: Path) -> Path:
    """Without a chat template or a pad token, with a generation_config that samples."""
    torch.manual_seed(0)
    tokenizer = wrapped()
    config = LlamaConfig(vocab_size=len(tokenizer), eos_token_id=0, bos_token_id=None, **SMALL)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = {"do_sample": True, "temperature": 2.5, "top_k": 3, "repetition_penalty": 1.7}
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": 0}))
    return folder


def save_qwen(folder: Path) -> Path:
    """With a chat template; its turns end in one token, its texts in another."""
    torch.manual_seed(1)
    tokenizer = wrapped(chat_template=CHAT_TEMPLATE, pad_token="<|endoftext|>")
    config = Qwen3Config(vocab_size=len(tokenizer), head_dim=8, eos_token_id=2, **SMALL)
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_gpt2(folder: Path) -> Path:
    """Learned positions: wrong ones after padding on the left would show."""
    torch.manual_seed(2)
    tokenizer = wrapped()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=CONTEXT,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_t5(folder: Path) -> Path:
    """A sequence-to-sequence model; its tokenizer puts an end token behind a prompt."""
    torch.manual_seed(3)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=with_spaces(),
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=CONTEXT,
    )
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        initializer_factor=8.0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_bert(folder: Path) -> Path:
    """Two BERTs, an encoder and a decoder; the tokenizer begins texts as the decoder begins."""
    torch.manual_seed(4)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=word_pieces(),
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        eos_token="[SEP]",
        model_max_length=CONTEXT,
    )
    layers = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.5,
    }
    encoder = BertModel(BertConfig(**layers), add_pooling_layer=False)
    decoder = BertLMHeadModel(BertConfig(is_decoder=True, add_cross_attention=True, **layers))
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    for settings in (model.config, model.generation_config):
        settings.decoder_start_token_id = settings.bos_token_id = 1
        settings.eos_token_id, settings.pad_token_id = 2, 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SAVE = {
    "llama": save_llama,
    "qwen": save_qwen,
    "gpt2": save_gpt2,
    "t5": save_t5,
    "bert": save_bert,
}
