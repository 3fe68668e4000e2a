"""Small models with random weights, saved in the layouts in which models lie on the Hub."""

import json
import shutil
from pathlib import Path

WORDS = "the lamp of a lighthouse shines far over dark sea query passage : what is".split()
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]", "[Q]", "[D]")
PROMPTS = {"query": "query: ", "document": "passage: "}


def transformer(folder, *, size=32):
    """Save a BERT of random weights and its tokenizer as transformers does: no modules.json. Return the folder."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(size)
    config = BertConfig(
        vocab_size=len(SPECIALS) + len(WORDS),
        hidden_size=size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * size,
        max_position_embeddings=64,
    )
    BertModel(config).eval().save_pretrained(folder)
    tokenizer(folder)
    return folder


def tokenizer(folder):
    """Save a tokenizer of a few words as those of BERT are saved."""
    from transformers import BertTokenizerFast

    path = Path(folder) / "vocab.txt"
    path.write_text("\n".join([*SPECIALS, *WORDS]))
    BertTokenizerFast(str(path), model_max_length=64).save_pretrained(folder)


def pooled(folder, *, size=32, prompts=None, default=None):
    """Save a transformer that sentence-transformers pools by its first token, the way of BGE. Return the folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    plain = transformer(Path(folder) / "plain", size=size)
    modules = [Transformer(str(plain)), Pooling(size, pooling_mode="cls"), Normalize()]
    model = SentenceTransformer(modules=modules, prompts=prompts, default_prompt_name=default, device="cpu")
    model.save(str(folder), create_model_card=False)
    shutil.rmtree(plain)
    return Path(folder)


def static(folder, *, size=64):
    """Save the first numbers of the packaged wordllama's vectors as a static embedding is saved. Return the folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    from retriever.encoders.loading import load_encoder

    [whole] = load_encoder("wordllama-256").model
    vectors = whole.embedding.weight.detach().numpy()[:, :size].copy()
    model = SentenceTransformer(modules=[StaticEmbedding(whole.tokenizer, embedding_weights=vectors)], device="cpu")
    model.save(str(folder), create_model_card=False)
    return Path(folder)


def stanford(folder, *, size=32, dimension=16):
    """Save a late-interaction model as Stanford's ColBERT checkpoints are. Return the folder."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = transformer(Path(folder), size=size)
    weights = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    weights["linear.weight"] = torch.randn(dimension, size, generator=torch.Generator().manual_seed(1))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    change(folder / "config.json", architectures=["HF_ColBERT"])
    metadata = {"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_maxlen": 8, "doc_maxlen": 32}
    (folder / "artifact.metadata").write_text(json.dumps(metadata | {"attend_to_mask_tokens": False}))
    return folder


def pylate(folder, *, size=32, dimension=16):
    """Save a late-interaction model as PyLate saves one. Return the folder."""
    import torch
    from safetensors.torch import save_file

    folder = transformer(Path(folder), size=size)
    (folder / "1_Dense").mkdir()
    linear = torch.randn(dimension, size, generator=torch.Generator().manual_seed(1))
    save_file({"linear.weight": linear}, folder / "1_Dense" / "model.safetensors", {"format": "pt"})
    dense = {"in_features": size, "out_features": dimension, "bias": False}
    dense["activation_function"] = "torch.nn.modules.linear.Identity"
    (folder / "1_Dense" / "config.json").write_text(json.dumps(dense))
    kinds = [("", "sentence_transformers.models.Transformer"), ("1_Dense", "pylate.models.Dense.Dense")]
    modules = [{"idx": n, "name": str(n), "path": path, "type": kind} for n, (path, kind) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 31, "do_lower_case": False}))
    settings = {"query_prefix": "[Q] ", "document_prefix": "[D] ", "query_length": 8, "document_length": 32}
    settings |= {"attend_to_expansion_tokens": False, "skiplist_words": [","], "prompts": {}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings | {"model_type": "ColBERT"}))
    return folder


def change(path, **changed):
    """Change settings in a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
