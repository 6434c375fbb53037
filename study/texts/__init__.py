"""What studies say: claims, verdicts and titles of measures, one table a language. The page says it, too."""

from typing import Any

from study.texts import en, ko

TABLES: dict[str, dict[str, Any]] = {"en": en.TEXTS, "ko": ko.TEXTS}
