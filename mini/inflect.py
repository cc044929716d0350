"""Verb forms: "archived", "archiving". Regular but for a table."""
import functools

IRREGULAR = dict(pair.split(":") for pair in """get:got send:sent buy:bought sell:sold make:made find:found build:built bind:bound bring:brought catch:caught choose:chosen cut:cut
deal:dealt dig:dug draw:drawn drive:driven eat:eaten feed:fed fly:flown forget:forgotten freeze:frozen give:given grind:ground grow:grown hang:hung hear:heard hide:hidden hold:held keep:kept
lead:led leave:left lend:lent let:let light:lit lose:lost mean:meant meet:met overrule:overruled override:overridden pay:paid put:put read:read rebuild:rebuilt redo:redone repay:repaid rewind:rewound
rewrite:rewritten ring:rung run:run say:said set:set sew:sewn shake:shaken show:shown shut:shut sing:sung sink:sunk slide:slid speak:spoken spin:spun split:split spread:spread steal:stolen
stick:stuck sweep:swept take:taken teach:taught tear:torn tell:told think:thought throw:thrown undo:undone unbind:unbound uphold:upheld wake:woken weave:woven win:won wind:wound withdraw:withdrawn
write:written tie:tied untie:untied begin:begun break:broken do:done go:gone see:seen shrink:shrunk""".split())
DOUBLED = set("""stop plan trim cut crop clip drop tag wrap ban plug plot scan log map mop pin pat rub skip ship slip snap step strip swap tap top trap win zip unplug unpin bid dim dig dub fit get hit jog let mix
nod put refer reset rig rip rob run set shut sit spin split submit begin commit permit prefer transfer unwrap unzip chat grab equip forget overlap rerun tip whip""".split()) - {"mix"}


def stem(verb):
    """The verb before a vowel of an ending."""
    return verb + verb[-1] if verb in DOUBLED else verb[:-1] if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) else verb


@functools.cache
def past(verb):
    """Its participle; of several words the first one changes."""
    first, _, rest = verb.partition(" ")
    if first in IRREGULAR:
        out = IRREGULAR[first]
    elif first.endswith("y") and first[-2:-1] not in tuple("aeiou"):
        out = first[:-1] + "ied"
    else:
        out = first + "d" if first.endswith("e") else stem(first) + "ed"
    return f"{out} {rest}".strip()


@functools.cache
def ing(verb):
    first, _, rest = verb.partition(" ")
    out = first[:-2] + "ying" if first.endswith("ie") else stem(first) + "ing"
    return f"{out} {rest}".strip()


TEENS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def number_word(n):
    """0 to 100 in words."""
    if n < 20:
        return TEENS[n]
    if n == 100:
        return "one hundred"
    tens, ones = TENS[n // 10 - 2], n % 10
    return f"{tens}-{TEENS[ones]}" if ones else tens
