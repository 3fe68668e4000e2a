"""The content words of a text, as stems: what two texts have in common if they are about the same in the same words."""

import re

import snowballstemmer

FUNCTION_WORDS = frozenset(
    """
a about above across after again against ago all almost along already also although always am among an and another any
anybody anyone anything anywhere are aren around as at away back be became because become becomes been before behind
being below beneath beside between beyond both but by came can cannot come comes could couldn d did didn do does doesn
doing don done down during each either else enough even ever every everybody everyone everything everywhere few for
from front further get gets getting give given gives go goes going gone got had hadn happen happens has hasn have haven
having he hence her here hers herself him himself his how however i if in inside instead into is isn it its itself just
keep keeps kept kind lest less let lets like ll made make makes making many may me might mine more most much must my
myself near nearly neither never no nobody none nor not nothing now nowhere of off often on once one ones only onto or
other others otherwise our ours ourselves out outside over own per perhaps quite rather re really s same shall she
should shouldn since so some somebody someone something sometimes somewhere soon still such t take taken takes taking
than that the their theirs them themselves then there these they thing things this those though through throughout thus
to together too took toward towards two under unless until up upon us use used uses using usually ve very via was wasn
way we well went were weren what whatever when whenever where wherever whether which while who whole whom whose why will
with within without won would wouldn yet you your yours yourself
""".split()
)
STEM = snowballstemmer.stemmer("english").stemWord


def words(text):
    """Return the words of a text, in lower case."""
    return re.findall(r"[^\W_]+", text.lower())


def content_words(text):
    """Return the English Snowball stems of all words but function words."""
    return {STEM(word) for word in words(text) if word not in FUNCTION_WORDS}


def phrases(text, length=4):
    """Return every run of so many words."""
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(len(found) - length + 1)}
