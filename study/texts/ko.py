"""Korean."""

from typing import Any

TEXTS: dict[str, Any] = {
    "evidence_verdicts": {
        "holds": "맞음",
        "fails": "맞지 않음",
        "open": "알 수 없음",
        "too_few": "말하기에는 너무 적음",
        "nothing_to_tell": "말할 것이 없음",
    },
    # the claim, and what is tested of it
    "evidence_claims": {
        "adam-faster": (
            "Adam이 더 빨리 수렴한다.",
            "160픽셀로 배우는 에폭들에 걸쳐 평균한 검증 정확도(곡선 아래 넓이)가 SGD보다 Adam에서 높다.",
        ),
        "adam-higher": (
            "Adam이 조금 더 높이 수렴한다.",
            "마지막 에폭 뒤의 검증 정확도가 SGD보다 Adam에서 높다.",
        ),
        "adam-distinct": (
            "Adam의 지도가 더 뚜렷하다.",
            "Grad-CAM의 열이 SGD보다 Adam에서 덜 고르게 퍼져 있다. 모든 깊이의 평균.",
        ),
        "sgd-hard": (
            "SGD의 지도는 때로 이해하기 어렵다.",
            "층의 더 깊은 절반에서, 동물 위의 열이 동물의 넓이 몫보다 적은 지도가 Adam보다 SGD에 많다.",
        ),
        "features-alike": (
            "SGD와 Adam의 특징 지도는 눈으로 구별할 수 없다.",
            "특징의 1 - CKA는 모든 깊이의 평균에서, 두 조리법의 학습 사이가 한 조리법의 학습 사이보다 많아야 0.05 크다.",
        ),
        "face-sgd": (
            "Grad-CAM은 층마다 얼굴을 찾는다(SGD).",
            "모든 층에서 머리에는 이 SGD 모델의 열이 넓이 몫보다 많다. 수치는 그것이 가장 적은 층의 것이다.",
        ),
        "face-adam": (
            "Grad-CAM은 층마다 얼굴을 찾는다(Adam).",
            "모든 층에서 머리에는 이 Adam 모델의 열이 넓이 몫보다 많다. 수치는 그것이 가장 적은 층의 것이다.",
        ),
        "high-face": (
            "정확도가 높은 모델은 코와 귀와 얼굴을 본다.",
            "마지막 층에서 머리에는 높은 모델의 열이 넓이 몫보다 많다.",
        ),
        "high-face-more": (
            "높은 모델은 코와 귀와 얼굴을 보고, 낮은 모델은 전부를 본다.",
            "마지막 층에서 머리 안의 열이 낮은 모델보다 높은 모델에서 많다.",
        ),
        "high-elsewhere": (
            "높은 모델은 틀릴 때 다른 곳을 본다.",
            "마지막 층에서, 높은 모델이 틀리는 사진은 맞히는 사진보다 동물 안의 열이 적다.",
        ),
        "low-everything": (
            "낮은 모델은 모든 것을 한꺼번에 본다.",
            "마지막 층에서 Grad-CAM의 열이 높은 모델보다 낮은 모델에서 더 고르게 퍼져 있다.",
        ),
        "low-smooth": (
            "낮은 모델의 특징 지도는 매끈하다.",
            "특징 지도의 이웃한 칸끼리의 차이가 높은 모델보다 낮은 모델에서 작다. 모든 깊이의 평균.",
        ),
        "low-dead": (
            "낮은 모델의 특징 지도 일부는 죽어 있다.",
            "죽은 채널의 비율이 높은 모델보다 낮은 모델에서 크다. 모든 깊이의 평균.",
        ),
        "high-contrast": (
            "높은 모델의 특징 지도는 대비가 크다.",
            "특징 지도의 대비가 낮은 모델보다 높은 모델에서 크다. 모든 깊이의 평균.",
        ),
        "high-alive": (
            "높은 모델의 특징 지도는 거의 모두 살아 있다.",
            "높은 모델의 채널 가운데 죽은 것은 많아야 5 %이다. 모든 깊이의 평균.",
        ),
    },
    "scaling_claims": {
        "scaling-regions": (
            "복합 스케일링한 모델은 더 관련 있는 영역에 주목한다.",
            "마지막 층에서, 넓이 몫을 넘는 열이 한 차원만 키운 모델보다 동물 안에 더 많다.",
        ),
        "scaling-detail": (
            "복합 스케일링한 모델은 사물의 세부에 더 주목한다.",
            "마지막 층에서, 동물 가운데 열이 사진 평균보다 높은 부분이 한 차원만 키운 모델보다 크다.",
        ),
        "scaling-accuracy": (
            "같은 비용이면 복합 스케일링이 더 정확하다.",
            "시험 정확도가 한 차원만 키운 모델보다 높다.",
        ),
        "scaling-resolution": (
            "깊이와 너비는 해상도보다 먼저 포화한다.",
            "비용이 네 배일 때, 층이나 채널을 늘린 것보다 픽셀을 늘린 것의 시험 정확도가 높다.",
        ),
    },
    "scaling_kinds": {
        "baseline": "기준",
        "deeper": "더 깊게",
        "wider": "더 넓게",
        "sharper": "더 높은 해상도",
        "compound": "복합",
    },
    "scaling_figures": {
        "animal": "동물 안의 열 비율에서 동물의 넓이를 뺀 것",
        "head": "머리 안의 열 비율에서 머리의 넓이를 뺀 것",
        "covered": "동물 가운데 열이 평균보다 높은 비율",
        "accuracy": "시험 정확도",
    },
    # claims of the originals that no figure here tests, and why
    "evidence_unjudged": [
        (
            "높은 모델이 틀릴 때는 사진에 사람도 있다.",
            "어느 사진에 사람이 있는지 알려져 있지 않습니다.",
        ),
        (
            "SGD의 예측은 때로 이해하기 어렵다.",
            "답의 무엇이 이해하기 어려운지 말하지 않았습니다. 지도에 대해서는 검증합니다.",
        ),
        (
            "풀링 앞보다 뒤의 드롭아웃이 더 도움이 된다. 완전 연결층 없애기, 지름길, 증강도 그렇다.",
            "사다리의 각 단은 한 번씩만 학습했으므로 우연과 구별할 수 없습니다. 사다리에서 볼 수 있습니다.",
        ),
        (
            "미세 조정한 EfficientNet-B5는 에폭이 더 있으면 나아졌을 것이다.",
            "GPU가 필요합니다. 원래 그대로의 조리법은 준비되어 있습니다.",
        ),
        (
            "미세 조정할 때 BatchNormalization은 추론 모드로 두고, 블록 전체를 푼다.",
            "견줄 만한 다른 방식의 학습을 하지 않았습니다.",
        ),
    ],
    # words that stand in plots, which are drawn in English
    "plot_words": {
        "depth": "깊이",
        "Cat": "고양이",
        "Dog": "개",
        "predicted": "예측",
        "the claim's figure": "주장의 수치",
        "margin": "여백",
        "Spread of Grad-CAM": "Grad-CAM의 퍼짐",
        "Hot area of Grad-CAM": "Grad-CAM의 뜨거운 넓이",
        "false positive rate": "거짓 양성 비율",
        "true positive rate": "참 양성 비율",
        "linear CKA": "선형 CKA",
        "Accuracy": "정확도",
        "epoch": "에폭",
        "Log loss": "로그 손실",
        "confidence": "확신",
        "accuracy": "정확도",
        "as sure as right": "확신만큼 맞음",
        "Dead channels": "죽은 채널",
        "Contrast of feature maps": "특징 지도의 대비",
        "Entropy of feature maps": "특징 지도의 엔트로피",
        "Roughness of feature maps": "특징 지도의 거칢",
        "rank correlation": "순위 상관",
        "overlap": "겹침",
        "true": "정답",
        "the upper left corner": "왼쪽 위 구석",
        "Heat in the head": "머리 안의 열",
        "Heat in the animal": "동물 안의 열",
        "its area": "그 넓이",
        "validation": "검증",
        "training, augmented": "학습, 증강",
        "micro": "미시 평균",
        "macro": "거시 평균",
    },
    # by name: titles of plots
    "evidence_measures": {
        "dead": "죽은 채널",
        "contrast": "특징 지도의 대비",
        "entropy": "특징 지도의 엔트로피",
        "roughness": "특징 지도의 거칢",
        "focus_entropy": "Grad-CAM의 퍼짐",
        "focus_area": "Grad-CAM의 뜨거운 넓이",
        "head_share": "머리 안의 열",
        "animal_share": "동물 안의 열",
        "head_lift": "넓이를 넘는 머리 안의 열",
        "animal_lift": "넓이를 넘는 동물 안의 열",
        "astray": "동물을 놓친 지도",
    },
}
