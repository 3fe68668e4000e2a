"""Words that English compounds with a hyphen begin and end with, where a document does not show how it writes them."""

import re

_FIRST = """
action age air animal area award bench best better blood body bottom brain brand broad budget business button buyer
carbon care case cash cause century chain change character child choice city class clean clear client close cloud coal
code cold color colour community company computer consumer content context cost country court credit crisis crop
customer dark data date day death debt decision deep default demand design device digital disease domain door double
drug early east easy education eight eighty emission employee energy engine error event ever evidence export eye face
fact family far farm fast fault fear feature fee field fifty file film fire first fish five fixed flat flood food foot
force forest forty four fourth frame fraud free fresh front fruit fuel full fully fund future game gas gender glass
goal gold good government green ground group growth half hand hard head health heart heat heavy high higher highly
history home hour house human ice ill image income industry information inner input interest iron job key knowledge
labor labour land language large larger last late law left length level life light line link little loan local logic
long longer loss low lower machine market mass material media medium member memory metal middle milk mind model money
month more mother motor mountain music narrow nature near network new newly nine ninety noise north object office oil
old one open opinion order outer output page paper partner passenger path pattern peace peer people performance phase
phone photo plant plastic policy poor power present price private problem process product production profit program
project property protein public purpose quality query question quick race rain rapid rate ready real record red
research resource revenue rich right risk river road rock role rule safety salt sample scale school science search
second security seed self semi server service seven seventy shape sharp ship short side silver single site six sixty
size skill slow small smart snow social soft software soil solar sound source south space speech speed staff state
steam steel still stock stone storage strong structure student style sun surface sweet system table task tax team
technology temperature term test text thin third thirty thought three tight time tone tool top trade traffic tree true
trust twelve twenty two type unit upper urban user value vehicle video virus voice wage war warm waste water wave
weather web week weight well west white whole wide wild wind wood word work worker world worst year young zero
"""
_SECOND = """
agnostic average aware based being benefit bound built by centred century class compatible compliant conscious
critical dead deep degree dependent dimensional driven effective efficient eight elastic end equipped fed five four
free friendly fund grade grown half heavy held home independent intensive kept known led level like linear lit long
made minded negative neutral new nine off old one only order oriented out owned paid party poor positive prone quality
quarter quarters range rate ready related resistant rich run safe scale sensitive seven six size sized sold sought
specific speed step style term third thirds threatening three time tolerant two type up value wave weight wide worn
year years
"""
FIRST, SECOND = frozenset(_FIRST.split()), frozenset(_SECOND.split())
GRADES = frozenset("first full high large long low real second short single small third three two".split())
CLOSED = frozenset("age hand land light line self".split())  # which end words without a hyphen: "highlight"
ALONE = frozenset("non self quasi".split())  # which begin compounds with almost every word
PARTICIPLE = re.compile("[a-z]{3,}ing|[a-z]{3,}ed")
ENDINGS = re.compile("((al)?i[sz]|en|ifi|it|at|er|or|ment)(ed|ing)")  # of words, that are no participles by themselves


def is_compound(one: str, two: str) -> bool:
    """Return whether two words in lower case are likely to make a compound with a hyphen: "well-known"."""
    if one in ALONE:
        return len(two) > 3
    if one in GRADES and two in FIRST - CLOSED:
        return True
    return one in FIRST and (two in SECOND or bool(PARTICIPLE.fullmatch(two)) and not ENDINGS.fullmatch(two))
