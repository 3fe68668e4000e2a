"""What the words of the page mean, for people who have never heard of HNSW: each is defined once, here.

A definition's first sentence can be read alone: it is what a control says of itself.
"""

DEFINITIONS = {
    "passage": "A piece of text that can be found: a short document as a whole, or a chunk of a longer one.",
    "chunk": (
        "A piece of a document, cut so short that the model reads all of it. Each chunk gets an embedding of its own, "
        "and a hit is one chunk."
    ),
    "embedding": (
        "The list of numbers, or vector, that a model makes of a text. Texts that mean similar things get vectors that "
        "lie near each other, so that searching is looking for near vectors."
    ),
    "model": (
        "The neural network that makes embeddings of texts. It decides which passages are near a question; the index "
        "decides only how many of those are found and how fast. So another model changes the answers far more than "
        "another index usually does: tab 4 measures both."
    ),
    "exact search": (
        "Compares the question with every vector. It misses nothing, and with twice as many vectors it computes twice "
        "as many distances: it is the measure that HNSW is held against."
    ),
    "HNSW": (
        "Hierarchical Navigable Small World: a graph that links each vector to some near ones. A search follows the "
        "links towards the question and computes only some of the distances. In a large collection it is much faster "
        "than exact search, and it can miss some of the nearest passages."
    ),
    "index": (
        "What is built from the vectors before anybody searches. Here it is the graph of HNSW; exact search needs "
        "none. Use exact search where the collection is small or nothing may be missed, and HNSW where many questions "
        "are asked of a large one."
    ),
    "k": "How many of the nearest passages a search is asked for.",
    "ef": (
        "How many candidates HNSW keeps while it searches. A larger ef misses less and takes longer. "
        "It computes more distances, which times measured beside other work may hide. An ef below k does nothing, so "
        "the sliders begin at k."
    ),
    "M": (
        "How many links a vector gets in the graph. More links usually find more; they cost memory and mostly building "
        "time. On the ground layer twice as many are allowed."
    ),
    "efConstruction": (
        "How many candidates HNSW weighs to link a vector. A larger one chooses better links and takes longer to build "
        "the graph. It costs no memory, as the number of links stays the same: M is what costs memory."
    ),
    "layer": (
        "One of the levels of HNSW's graph. The ground layer holds all vectors, each layer above only a few of those "
        "below it. A search starts on the highest layer, where links lead far, and goes down."
    ),
    "nearest passages": (
        "The k passages whose vectors are nearest to the question's, as exact search finds them. They need not answer "
        "the question: near is what the model takes for similar."
    ),
    "recall": (
        "The share of the nearest passages that HNSW finds too. Recall@10 of 0.900 means: of the 10 passages that "
        "exact search finds, HNSW finds 9. It does not say whether they answer the question."
    ),
    "missed": (
        "A nearest passage that HNSW does not find. The search follows the nearest candidates that it keeps, and stops "
        "when none of them leads nearer; what is linked only from vectors that it did not follow is never looked at. A "
        "larger ef follows more of them. What no link leads to, no ef finds."
    ),
    "tie": (
        "Passages with the same score, such as copies of one text. Which of them is found does not matter: recall goes "
        "by score, so any of them counts. No copy is removed: each is a vector of its own, and is found as one."
    ),
    "score": (
        "The cosine of the angle between two vectors: 1 for the same direction, about 0 for unrelated texts. BM25 and "
        "late interaction have scores of their own, on other scales."
    ),
    "distance": (
        "One comparison of the question with one vector. How many of them a search computes is the same on every "
        "machine and at every run; how long it takes depends on the machine and on what else that does."
    ),
    "latency": (
        "The time that one search takes, without embedding the question. Half of the queries take at most the median, "
        "and 95 of 100 at most the 95th percentile."
    ),
    "BM25": (
        "Ranks passages by the words that they share with the question, the rarer in the collection the better. A word "
        "counts more where a passage has it several times, and less where the passage is long. BM25 needs no model and "
        "knows no meanings: it finds no synonym, and it finds a rare name wherever it is spelled as in the question."
    ),
    "stem": (
        "What is left of a word without its ending, so that the question's lighthouses finds a passage's lighthouse. "
        "BM25 compares stems in place of words; they are cut by rules, so words that mean different things can share "
        "one."
    ),
    "stop word": (
        "A word so frequent that it says little of what a text is about, such as the, of or is. BM25 leaves these out."
    ),
    "late interaction": (
        "Gives each word of a text a vector of its own, and compares those of the question with those of each passage. "
        "A dense model makes one vector of a whole text, which takes far less memory and time. ColBERT is the best "
        "known model that was trained for late interaction."
    ),
    "MaxSim": (
        "The score of late interaction: each word of the question takes the passage's word that is most similar to it, "
        "and these similarities are added up. Words are the model's word pieces here, and the score grows with the "
        "number of them in the question."
    ),
    "reciprocal rank fusion": (
        "Joins two rankings into one by ranks alone: a passage at rank r gets 1 / (60 + r) from each ranking that has "
        "it. So scores on different scales can be joined, such as those of BM25 and of a model."
    ),
    "shard": (
        "A part of the vectors with an index of its own, often on a machine of its own. A search asks every shard and "
        "keeps the nearest of what they find, so it waits for the slowest of them. The shard lab on tab 3 measures "
        "what that gives and takes."
    ),
    "small collection": (
        "With some dozens of vectors HNSW computes nearly as many distances as exact search, so it misses little and "
        "saves little; with some hundreds exact search is still about as fast, and misses nothing. "
        "An index pays only in larger collections; the size lab on tab 3 measures from which size on."
    ),
    "answer": "A passage that somebody judged to answer a question. Judgments say what is right, nearness does not.",
    "qrels": (
        "The judgments of a collection, short for query relevance: which passage answers which question, with a grade. "
        "A passage that nobody judged counts as no answer, though it may be one."
    ),
    "hit rate": "The share of the questions that have an answer among their first k results.",
    "nDCG": (
        "How high the answers stand among the first k results: 1 is the best possible order, 0 is no answer. An answer "
        "counts less the lower it stands, and more with a higher grade. Short for normalized discounted cumulative "
        "gain."
    ),
    "answers found": (
        "The share of all answers to a question that are among its first k results. It is often called recall too, but "
        "it counts answers, not nearest passages."
    ),
    "MRR": (
        "1 divided by the rank of the first answer, averaged over the questions. It is 1 if an answer always stands "
        "first, and 0.5 if it always stands second. Short for mean reciprocal rank."
    ),
    "MAP": (
        "How many of the results down to an answer are answers too, averaged over all answers and then over the "
        "questions. It is 1 if all answers stand before all else. Short for mean average precision."
    ),
    "p": (
        "How probable a difference of this size would be if only chance told the models apart. A small p, below 0.05, "
        "says that chance hardly explains it; it does not say that the difference is large. Where several differences "
        "are tested at once, each p is made larger for that, by Holm's method."
    ),
}


def first_sentence(term: str, *, sentences: int = 1) -> str:
    """Return the first sentence of a term's definition, or more of them, for the control that it names."""
    return ". ".join(DEFINITIONS[term].split(". ")[:sentences]).removesuffix(".") + "."
