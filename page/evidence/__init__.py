"""The Evidence tab: what the runs gave, from `weights/` and `evidence/` as `training` and `study` wrote them; and a
browser of the test split.

Everything is chosen by id from a closed list: pairs are the experiments', plots are `PLOTS`, claims are those of
`evidence/claims.json`, pictures are those of the checkpoints' `evaluation/predictions.npz`. Nothing is read before it
is asked for; what was read is kept until its file changes.

Files, all of them optional:

    weights/originals.json              {checkpoint id: {what, train, validation, test:
                                         {accuracy, log_loss, best_of: epochs, where it is the best of so many,
                                          accuracies: [least, greatest], where there are several}}}
    weights/ID/evaluation/predictions.npz   identities, digests (sha256 of the file), labels, probabilities (n, classes)
    weights/ID/evaluation/members.csv   of an ensemble, see `training.ensemble.assemble`
    evidence/                           see `study.store`
"""

from page.asked import NotThere
from page.evidence.findings import LISTS, PAGE, PLOTS, Findings, catalog

__all__ = ["LISTS", "PAGE", "PLOTS", "Findings", "NotThere", "catalog"]
