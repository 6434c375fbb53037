"""Korean particles, whose form depends on the sound that the word before them ends in."""

import re

# By the form behind a consonant: the one behind a vowel. 으로 is 로 behind ㄹ, too.
PARTICLES = {"은": "는", "이": "가", "을": "를", "과": "와", "으로": "로", "이라": "라"}
FIRST, LAST, FINALS, RIEUL = 0xAC00, 0xD7A3, 28, 8  # of Hangul syllables; what they can end in; ㄹ among these
DIGITS = {"0": "영", "1": "일", "2": "이", "3": "삼", "4": "사", "5": "오", "6": "육", "7": "칠", "8": "팔", "9": "구"}
LETTERS = {"L": "엘", "M": "엠", "N": "엔", "R": "알"}  # what the others are called ends in a vowel
ENDINGS = ((r"l|[^aeiou]le", "을"), (r"[mn]|ng", "은"), (r"(^|[^aeiou])[aeiou]([ptk]|ck)", "옥"))  # of English words


def joined(word: str, particle: str) -> str:
    """A word with a particle behind it.

    Args:
        word: any text; what is no letter and no digit at its end is not spoken, but % is.
        particle: one of `PARTICLES`.

    Example:
        >>> joined("고양이", "은"), joined("개 3장", "을"), joined("SGD", "은"), joined("VGG16", "으로")
        ('고양이는', '개 3장을', 'SGD는', 'VGG16으로')
    """
    final = (ord(_spoken(word)) - FIRST) % FINALS
    vowel = final == 0 or (particle == "으로" and final == RIEUL)
    return word + (PARTICLES[particle] if vowel else particle)


def _spoken(word: str) -> str:
    """A Hangul syllable that ends as a word does."""
    heard = re.sub(r"[^\w%]+$", "", word)
    last = heard[-1:]
    if last and FIRST <= ord(last) <= LAST:
        return last
    if last in DIGITS:
        return DIGITS[last]
    if not last.isascii() or not last.isalpha():
        return "트"  # 퍼센트, and whatever is not known
    if last.isupper():
        return LETTERS.get(last, "이")
    ending = re.search(r"[a-z]+$", heard.lower())
    return next((syllable for end, syllable in ENDINGS if ending and re.search(f"({end})$", ending[0])), "이")
