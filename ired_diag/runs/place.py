"""What the name of a folder or of a file says: which experiment, which run of it, which seed.

People name runs in a hundred ways: ``x/lightning_logs/version_3``, ``x/run7``, ``x_seed3``,
``CartPole__ppo__1__1695859120``, ``outputs/2026-11-01/10-00-00``, a uuid, ``Nov01_10-00-00_host``. Each name
is taken apart into

    seed     the number after the word ``seed``
    run      what only says which run it is: a version, a trial, a date, an identifier, a plain number
    name     what is left: the experiment's name
    index    a number at the end of the name (``x_3``), which numbers runs or belongs to the name:
             one name alone cannot say, its siblings can (``run_names``)

Words that every log has (``metrics``, ``logs``, ``outputs``) name nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 1000  # letters: a column may hold longer texts, whose parts would take long to find
SEED = re.compile(r"(?i)(?<![a-z])seeds?[_=\-. ]?(\d{1,9})(?![\da-z])")

SEED_AT_END = re.compile(SEED.pattern + "$")
CLOCK = r"\d{2}[-_:.h]?\d{2}(?:[-_:.m]?\d{2}(?:[.,_]\d+)?)?"
RUN = re.compile(
    "|".join(
        (
            r"(?i:(?:offline-)?run-\d{8}_\d{6}-[a-z0-9]{6,10})",  # wandb
            r"(?i:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})",  # a uuid
            r"(?<![A-Za-z0-9])[0-9a-f]{5,8}_\d{5}(?![A-Za-z0-9])",  # Ray's id of a trial
            r"^\d{5}(?=-[A-Za-z])",  # StyleGAN's and EDM's count of runs: 00000-ffhq256-gpus8
            # TensorBoard's date, with the host; what a comment adds to it is a name
            r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\d{2}_\d{2}-\d{2}-\d{2}(?:_[^_]*$)?",
            rf"(?<!\d)20\d\d-\d\d?-\d\d?(?:[T_ -]+{CLOCK})?(?!\d)",
            r"(?:(?<![A-Za-z])log_|(?<!\d))20\d\d_\d\d?_\d\d?(?:_\d\d?){3}(?!\d)",  # nnU-Net's
            rf"(?<!\d)20\d\d[01]\d[0-3]\d(?:[T_-]?{CLOCK})?(?!\d)",
            r"(?<!\d)\d{2}-\d{2}-\d{2}(?!\d)",  # Hydra's time of day
            r"(?<!\d)1[4-9]\d{8}(?:\d{3})?(?:\.\d+)?(?!\d)",  # seconds or milliseconds since 1970
            r"(?i:(?<![a-z])(?:job|slurm|jobid|pid)[_=\-]?\d+(?:_\d+)?)(?!\d)",
            r"(?i:(?<![a-z])(?:version|ver|run|trial|fold|rep|repeat|replica|replicate|replication|repetition|try"
            r"|attempt|session|instance|copy|cv|log)[_=\-. #]?\d{1,6})(?![\da-z])",
            r"(?<![a-zA-Z0-9])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}(?![a-zA-Z0-9])",  # a hash
            r"(?<![a-zA-Z0-9])\d{6,}(?:_\d+)?(?![a-zA-Z0-9])",  # the id of a job
        )
    )
)
# Ray adds to the id of a trial its number, its parameters and its date; params.json states the parameters.
RAY_TRIAL = re.compile(r"(?<![A-Za-z0-9])([0-9a-f]{5,8}_\d{5})_\d+_.*$", re.DOTALL)
WORD = re.compile(r"[A-Za-z]+|\d+")
NUMBERED_S = re.compile(r"s(?P<index>\d{1,4})")  # s0, s1: a whole name
INDEX = re.compile(r"^(?P<base>.*[A-Za-z].*?)[_\- ]+[srt]?(?P<index>\d{1,4})$")
EXPONENT = re.compile(r"(?i)(?<![a-z])\d+(?:\.\d+)?e[-+]?\d+$")  # 1e-05
SEPARATORS = "_=/.- #,\0"

GENERIC = frozenset(
    """
    artifact artifacts best checkpoint checkpoints ckpt ckpts console csv data default dump dvclive err
    eval evaluation evaluations event events experiments export exps file files final history hparams json
    jsonl last latest lightning log logger logging loggers logs loss losses main metric metrics mlruns
    models multirun nohup out output outputs progress record records restarted resumed result results run
    runs save saved saves scalar scalars slurm state stats stderr stdout summaries summary tb tensorboard
    test tf tfevents tmp train trainer training txt val valid validation wandb
    """.split()
)
# A number after one of these is a setting or a part of the name, and numbers no runs.
NOT_COUNTED = frozenset(
    """
    ablation alpha arm batch beta block bs case cifar class classes condition config delta depth dim dropout
    epoch epochs epsilon exp experiment gamma gpt group head heads hidden k lambda layer layers lr mnist model
    momentum n noise option opt p phase q rank resnet scale scenario setting setup sigma size stage step steps
    study t task tau temp temperature test tier top type variant vgg vit wd weight width
    """.split()
)


@dataclass(frozen=True, kw_only=True)
class PlaceName:
    """The parts of one name.

    Attributes:
        name: Names the experiment, with its index; empty where nothing does.
        base: The same without its index; empty where the name is ``s`` and the index.
        index: The number at the end of the name, where it may number runs.
        runs: What only says which run it is, in order.
        seed: The seed.
        ends_with_seed: Whether the seed is the last part of the name.
    """

    name: str
    base: str
    index: int | None
    runs: tuple[str, ...]
    seed: int | None
    ends_with_seed: bool = False


@lru_cache(maxsize=1 << 16)
def parse_place(text: str) -> PlaceName:
    """Return the parts of a folder's or a file's name.

    >>> parse_place("wide_net_seed3").name, parse_place("wide_net_seed3").seed
    ('wide_net', 3)
    >>> parse_place("version_3").runs, parse_place("lightning_logs").name
    (('version_3',), '')
    >>> parse_place("ppo_2").base, parse_place("ppo_2").index, parse_place("resnet_50").index
    ('ppo', 2, None)
    """
    if len(text) > LONGEST:
        return PlaceName(name=text, base=text, index=None, runs=(), seed=None)
    seeds = SEED.findall(text)
    rest = RAY_TRIAL.sub(r"\1", SEED.sub("\0", text))
    runs = tuple(match[0] for match in RUN.finditer(rest))
    rest = RUN.sub("\0", rest).strip(SEPARATORS)
    rest = re.sub(r"[_=/.\- #,]*\0[_=/.\- #,]*", "_", rest)
    words = [word.lower() for word in WORD.findall(rest)]
    if "tfevents" in text or _names_nothing(words):
        rest = ""
        runs = (*runs, *filter(str.isdigit, words))
    base, index = _without_index(rest)
    return PlaceName(
        name=rest,
        base=base,
        index=index,
        runs=runs,
        seed=int(seeds[-1]) if seeds else None,
        ends_with_seed=SEED_AT_END.search(text) is not None,
    )


def is_name(text: str) -> bool:
    """Say whether a name names an experiment, and does not only number or file a run."""
    return bool(parse_place(text).name)


def _names_nothing(words: list[str]) -> bool:
    """Say whether words are those that every log has, with numbers; ``exp_1`` and ``model2`` are names."""
    return all(
        word in GENERIC or (word.isdigit() and before not in NOT_COUNTED)
        for before, word in zip(["", *words], words, strict=False)
    )


def _without_index(name: str) -> tuple[str, int | None]:
    numbered = NUMBERED_S.fullmatch(name)
    if numbered is not None:
        return "", int(numbered["index"])
    match = INDEX.match(name)
    if match is None:
        return name, None
    base = match["base"].rstrip(SEPARATORS)
    if EXPONENT.search(name):
        return name, None
    words = re.findall(r"[A-Za-z]+", base) or [""]
    last_word = words[-1].lower()
    if last_word in NOT_COUNTED or not base:
        return name, None
    return base, int(match["index"])
