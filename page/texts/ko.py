"""Korean."""

from typing import Any

TEXTS: dict[str, Any] = {
    "labels": {
        "experiment": "실험",
        "more_experiments": "다른 실험",
        "more": "더 보기",
        "also": "또한:",
        "first_model": "왼쪽",
        "second_model": "오른쪽",
        "free": "아무 두 모델",
        "free_question": "같은 것을 아는 아무 두 모델: 이름이 있는 자리에서 각각 고르세요.",
        "drop": "사진 놓기",
        "drop_touch": "사진 고르기",
        "camera": "사진 찍기",
        "examples": "예시",
        "dismiss": "닫기",
        "veil": "아무 데나 놓으세요",
        "none_title": "아직 학습된 모델이 없습니다",
        "none_text": "이 페이지는 weights/에 있는 것을 보여 줍니다. 첫 쌍을 학습해 거기에 두고 다시 시작하세요:",
        "empty_title": "두 모델이 어디를 보고 어디서 갈리는지 보세요",
        "empty_text": "모델은 {knows}만 알며, 무엇을 보여 주든 그중 하나로 여깁니다. 사진의 무엇이 그렇게 말하게 하는지 "
        "층별로 볼 수 있습니다.",
        "or": ", 또는 ",
        "step_experiment": "무엇이 달라야 할까요?",
        "step_picture": "사진을 보여 주세요",
        "empty_drop": "사진을 놓거나 붙여 넣거나 고르세요",
        "empty_drop_touch": "사진 고르기",
        "neither": "이 가운데 없는 것:",
        "neither_ask": "뭐라고 할까요?",
        "privacy": "사진은 마지막으로 쓴 뒤 {minutes}분 안에 지워지며, 이 서버 밖으로 나가지 않습니다. 큰 사진은 보내기 "
        "전에 줄이고, 당신의 사진은 이 브라우저 탭이 닫힐 때까지 탭이 간직합니다.",
        "rule": "방법",
        "target": "무엇의 근거",
        "own": "각자 자신의 답",
        "common": "둘에게 한 클래스({name})",
        "common_row": "모두에게 한 클래스({name})",
        "both_explain": "둘 다: {name}",
        "all_explain": "모두: {name}",
        "known": "모델은 {knows}만 압니다",
        "knows_short": "아는 것",
        "knows": "이 모델들은 이 {count}가지 클래스만 압니다",
        "about_known": "사진에 무엇이 있든 모델은 학습한 클래스로만 답할 수 있습니다. 확신의 크기는 그 가운데서 어떻게 "
        "고르는지를 말할 뿐, 사진에 그런 것이 있는지를 말하지는 않습니다.",
        "class_find": "클래스 찾기",
        "class_list": "클래스",
        "class_count": "{of} 중 {count} · ↑ ↓ 고르기, Enter 확정",
        "shoot": "찍기",
        "camera_wait": "카메라를 기다리는 중입니다. 브라우저가 물어볼 수 있습니다.",
        "camera_none": "카메라를 쓸 수 없습니다. 카메라가 없거나 브라우저가 쓸 수 없습니다.",
        "sending": "사진을 보내는 중",
        "sending_share": "사진을 보내는 중: {percent} %",
        "lost": "서버가 응답하지 않습니다. 돌아오면 다시 묻습니다",
        "lost_photo": "서버가 응답하지 않습니다. 사진은 여기에 간직했다가 서버가 돌아오면 다시 보냅니다",
        "copy_link": "이 화면의 링크 복사",
        "copied": "복사됨",
        "copy_about": "링크에는 예시만 담기고 당신의 사진은 담기지 않습니다.",
        "own_photo": "내 사진 {name}",
        "forget": "이 사진 잊기",
        "photo_gone": "이 주소의 사진은 이 탭에 더는 없습니다. 사진을 골라 주세요.",
        "only_first": "파일 {count}개 가운데 첫째인 {name}만 받았습니다.",
        "not_a_file": "파일이 아닙니다. 먼저 그림을 저장하거나 복사해 붙여 넣으세요.",
        "models_loading": "모델을 불러오는 중입니다. 사진은 벌써 고를 수 있습니다",
        "models_loading_wait": "모델을 불러오는 중이며, 끝나면 사진을 봅니다",
        "loading": "{titles} 불러오는 중, 보통 약 {seconds}초",
        "loading_unknown": "{titles} 불러오는 중",
        "looking": "두 모델이 보는 중",
        "looking_row": "모델 {count}개가 보는 중",
        "several": "모델 {count}개",
        "still": "아직 하는 중입니다. 평소보다 오래 걸립니다",
        "still_loading": "{titles:을} 아직 불러오는 중",
        "no_answer": "서버가 응답하지 않았습니다. 다시 해 보세요.",
        "not_sent": "사진을 보내지 못했습니다. 다시 해 보세요.",
        "too_large": "이 파일은 {megabytes} MB보다 큽니다. 더 작은 것을 골라 주세요.",
        "methods": "방법",
        "all_methods": "모든 방법 …",
        "methods_about": "이 모델들에서 각각 걸리는 시간은 계산할 양에 이 서버가 지금까지 보인 빠르기를 곱한 것입니다. 처음에는 "
        "모델을 그에 맞게 준비합니다.",
        "group_pass": "한 번 통과",
        "group_pass_about": "모델이 준비되면 빠름",
        "group_seconds": "몇 초",
        "group_seconds_about": "여러 번 통과",
        "group_minutes": "몇 분",
        "group_minutes_about": "수백 번 통과",
        "under_second": "1초 미만",
        "about_seconds": "약 {seconds}초",
        "about_minutes": "약 {minutes}분",
        "at_work_share": "{percent} %, {left} 남음",
        "in_line": "앞에 {ahead}개",
        "progress": "얼마나 되었는지",
        "give_up": "그만두기",
        "contrast_target": "{other} 아닌 {name}",
        "why": "왜?",
        "contrast_ask": "왜 {other} 아닌 {name}?",
        "contrast_title": "둘을 가르는 것",
        "finer_target": "가장 가까운 것이 아닌 각자 자신의 답",
        "faithful": "믿을 만한가?",
        "faithful_title": "지도가 모델이 의지하는 것인가?",
        "faithful_about": "사진의 일부를 열 단계로 나누어 없음에서 전부까지 흐리고 모델에 다시 묻습니다. 믿을 만하면 가장 "
        "중요한 것부터 흐릴 때 답을 곧 잃고, 가장 덜 중요한 것부터 흐릴 때 오래 지킵니다. 이득은 둘 사이의 평균 거리입니다. "
        "회색: 모델을 모르는 지도들(윤곽, 가운데, 무작위 넷). 흐린 사진은 모델이 배운 것과 다르며, 이득은 같은 흐림끼리만 견줄 "
        "수 있습니다.",
        "faithful_most": "가장 중요한 것부터",
        "faithful_least": "가장 덜 중요한 것부터",
        "faithful_cross": "상대의 지도로 가장 중요한 것부터",
        "faithful_band": "모델을 모르는 지도들",
        "faithful_axis": "흐린 부분",
        "faithful_share": "{target}에 대한 확신",
        "faithful_gain": "이득 {srg}(모델을 모르는 지도는 많아야 {baselines}, 상대의 지도로는 {cross})",
        "random_title": "무작위 가중치",
        "random_about": "마지막 층부터 가중치를 뒤섞는 동안의 같은 지도입니다. 다른 지도가 되어야 합니다.",
        "random_trained": "학습한 그대로",
        "random_stage": "{layer}부터: {rank}",
        "random_none": "이 모델이나 방법에 대해서는 말하지 않습니다. 너무 오래 걸리거나 모델을 복사할 수 없습니다.",
        "faithful_chart": "{name}: 사진을 흐리는 동안 {target}에 대한 확신. 절반에서 가장 중요한 것부터 {most} %, 가장 덜 "
        "중요한 것부터 {least} %.",
    },
    # what a model knows, by name of its data set
    "known": {"cats-dogs": "고양이와 개", "cifar-100": "일상의 100가지"},
    "known_few": "{names}",
    "known_many": "클래스 {count}가지",
    "and": ", ",
    "rarely": "두 모델은 {population} {of}장 가운데 {count}장에서 답이 다릅니다.",
    "rarely_row": "모델 {models}개는 {population} {of}장 가운데 {count}장에서 답이 모두 같지는 않습니다.",
    "tagline": "사진 한 장에서 두 모델이 보는 것",
    "compare": "비교",
    "evidence": "근거",
    "about": "소개",
    "accepted": "{kinds} · 최대 {megabytes} MB",
    # title and question, by id of an experiment
    "experiments": {
        "sgd-adam": (
            "SGD인가 Adam인가?",
            "같은 네트워크, 같은 순서의 같은 데이터, **다른 것은 최적화기뿐**입니다. 둘은 같은 곳을 볼까요?",
        ),
        "high-low": (
            "높은 정확도인가 낮은 정확도인가?",
            "한 네트워크는 사진 17,000장에서 배웠고, 쌍둥이는 **이름표가 뒤바뀐 여섯 장**에서 배웠습니다. 아무것도 배우지 "
            "못한 쪽은 무엇을 볼까요?",
        ),
        "plain-pretrained": (
            "처음부터인가 미리 배웠는가?",
            "**아무것도 없이** 배운 작은 네트워크와, 먼저 **사진 백만 장**을 알던 네트워크입니다. 어떤 세부가 답을 "
            "좌우할까요?",
        ),
        "frozen-finetuned": (
            "고정인가 미세 조정인가?",
            "사진 백만 장을 알던 네트워크에서 **새 마지막 단계만** 배웠거나 **전체를** 배웠습니다. 보는 곳이 달라질까요?",
        ),
        "one-five": (
            "하나인가 다섯인가?",
            "다섯 모델과 **그 답의 평균**입니다. 다수는 어디를 보고, 누가 떨어져 있을까요?",
        ),
        "luck-sgd": (
            "우연만으로? SGD 두 번",
            "같은 조리법을 다른 난수로 두 번: 우연만으로 달라진 두 학습은 얼마나 일치할까요?",
        ),
        "luck-adam": (
            "우연만으로? Adam 두 번",
            "같은 조리법을 다른 난수로 두 번: 우연만으로 달라진 두 학습은 얼마나 일치할까요?",
        ),
    },
    # evidence
    "evidence_labels": {
        "lead": "원래 실험이 주장한 것과, 재어 보니 어떠한지입니다.",
        "verdicts_none": "원래 실험은 이 둘에 대해 주장한 것이 없습니다. 잰 것은 아래에 있습니다.",
        "verdicts_others": "다른 실험의 주장({count})",
        "verdicts_unjudged": "여기서 검증하지 않는 주장과 그 까닭({count})",
        "of_a_row": "두 모델에 대해 잰 것은 두 모델의 실험에 있습니다. 이 모델들 각각의 수치와, 많은 클래스에서 어떻게 "
        "틀리는지는 아래에 있습니다.",
        "see": "사진으로 보기",
        "see_title": "{sentence} “{title}”에서 보기",
        "by_name": "데이터 집합의 이름으로 나열",
        "jumps": "이 페이지에서",
        "models": "모델",
        "claims": "주장",
        "plots": "도표",
        "pictures": "시험 사진",
        "models_title": "모델과 원래 수치",
        "models_text": "우리 것: 실린 체크포인트를 각 분할 전체에서, 증강 없이, 95 % 구간과 함께. 원래 것: 학습(증강)과 "
        "검증은 모든 에폭 가운데 가장 좋은 값으로 정확도와 손실이 각각, 시험은 수치 하나. 원래 보고서에는 구간이 없습니다.",
        "model": "모델",
        "train": "학습",
        "validation": "검증",
        "test": "시험",
        "no_figure": "없음",
        "claims_title": "원래의 주장과 판정",
        "rule": "판정하는 법",
        "tested": "검증하는 것",
        "claims_none": "주장을 아직 판정하지 않았습니다. `python -m study claims`가 합니다.",
        "experiment": "실험",
        "csv": "CSV ↓",
        "csv_title": "“{title}”의 데이터를 CSV로",
        "make": "없는 것은 이렇게 만듭니다:",
        "list": "목록",
        "picture": "사진",
        "truth": "정답 클래스",
        "agreement": "일치도",
        "agreement_text": "일치도: 마지막 층에서 두 Grad-CAM의 순위 상관. –는 그 사진에서 둘을 비교하지 않은 것입니다.",
        "wrong": "틀림",
        "unknown": "재지 않음",
        "open": "비교에서 {identity} 열기",
        "range": "{count} 중 {from}~{to}",
        "list_none": "이 목록에 시험 사진이 없습니다.",
        "previous": "이전",
        "next": "다음",
        "examples": "자유 이용 예시",
        "examples_text": "자유롭게 쓸 수 있는 이 사진들을 두 모델과 함께 비교에서 열 수 있습니다:",
        "open_example": "비교에서 “{title}” 열기",
        "loading": "불러오는 중",
        "failed": "불러오지 못했습니다.",
        "again": "다시 해 보기",
    },
    "evidence_rules": [
        "주장의 수치에는 95 % 구간이 있고, 주장이 요구하는 쪽이 양수가 되도록 부호를 붙입니다. 무엇이 그렇다는 주장은 "
        "구간 전체가 여백(말할 만한 크기) 위에 있으면 맞고, 아래에 있으면 맞지 않으며, 여백이 구간 안에 있으면 알 수 "
        "없습니다. 그 이상은 아니라는 주장은 그 반대입니다.",
        "두 파일에 대한 주장(“이 높은 모델”)은 사진에 걸친 구간으로 판정하며, 같은 조리법의 다른 학습에 대해서는 아무것도 "
        "말하지 않습니다.",
        "조리법에 대한 주장(“Adam”)은 학습들로 판정합니다: 두 조리법의 모든 학습에 대한 정확 순열 검정이 기각하지 않는 "
        "차이들입니다. 각각 네 번보다 적은 학습은 사진이 아무리 많아도 말하기에 너무 적습니다. 한 조리법의 두 학습도 "
        "서로 다르기 때문입니다.",
        "규칙과 수치와 여백은 study/claims.py에 있습니다. 조리법의 처음 두 학습 밖의 것을 재기 전에 썼으며, 대부분의 "
        "주장에서 처음 학습들의 수치는 그때 이미 알려져 있었다고 거기에 적혀 있습니다.",
    ],
    "evidence_plots": {
        "curves": (
            "에폭별 정확도와 손실",
            "두 학습이 어떻게 진행되었는지: 실선은 검증 분할, 점선은 증강한 학습 사진입니다.",
        ),
        "confusion": ("혼동 행렬", "시험 사진을 정답 클래스와 각 모델이 예측한 클래스로 나눈 것입니다."),
        "roc": (
            "ROC",
            "모든 문턱에서, 한 클래스를 얼마나 찾는 대신 다른 것을 얼마나 그것으로 잘못 보는지입니다. 파선: 우연.",
        ),
        "reliability": (
            "신뢰도",
            "모델이 그만큼 확신할 때 얼마나 자주 맞는지: 파선 위면 말한 만큼 맞습니다. 큰 점은 사진이 많은 것입니다.",
        ),
        "agreement": (
            "깊이별 일치도",
            "두 Grad-CAM의 순위 상관과, 가장 뜨거운 5분의 1이 겹치는 정도(우연: 0.2): 시험 사진의 중앙값과 10장 중 8장이 "
            "있는 범위입니다. 회색은 시드만 다른 한 조리법의 학습들입니다. 아래의 점: 두 조리법의 학습 사이가 한 조리법의 "
            "학습 사이와 다르게 일치하는 깊이입니다.",
        ),
        "features": (
            "깊이별 특징 지도",
            "죽은 채널, 그리고 살아 있는 채널의 대비, 엔트로피, 거칢. 사진에 걸친 95 % 구간이며 이 두 파일의 것입니다. "
            "아래의 점: 두 조리법이 다른 깊이입니다.",
        ),
        "focus": (
            "깊이별 Grad-CAM의 퍼짐",
            "열이 얼마나 고르게 있는지(한 칸이면 0, 어디서나면 1), 그리고 지도에서 최고점의 절반을 넘는 비율. 사진에 걸친 "
            "95 % 구간이며 이 두 파일의 것입니다. 아래의 점: 두 조리법이 다른 깊이입니다.",
        ),
        "heads": (
            "머리와 동물",
            "깊이별로 머리 안과 동물 안에 있는 Grad-CAM 열의 비율. 사진에 걸친 95 % 구간이며 이 두 파일의 것입니다. 파선: "
            "넓이의 몫. 아래의 점: 두 조리법이 다른 깊이입니다.",
        ),
        "cka": (
            "특징의 닮음",
            "모든 블록 쌍의 끝에서 공간에 걸쳐 평균한 특징의 선형 CKA: 1이면 회전과 크기를 빼고 같고, 0이면 "
            "무관합니다(치우침을 없앤 값이라 우연이면 조금 아래). 점: 두 조리법의 학습 사이가 한 조리법의 학습 사이와 "
            "다르게 닮은 깊이입니다.",
        ),
    },
    "evidence_lists": {
        "left_wrong": ("{left:이} 틀림", "{left:이} 틀리는 사진, 가장 확신한 것부터."),
        "right_wrong": ("{right:이} 틀림", "{right:이} 틀리는 사진, 가장 확신한 것부터."),
        "disagree": ("둘이 다름", "둘이 다른 클래스를 예측하는 사진, 가장 확신한 것부터."),
        "unsure": ("가장 불확실", "둘이 함께 가장 덜 확신하는 사진."),
        "sure": ("가장 확실", "둘 중 덜 확신하는 쪽이 가장 확신하는 사진."),
        "other_evidence": (
            "다른 근거에서 같은 예측",
            "둘이 같은 클래스를 예측하지만 마지막 층의 Grad-CAM이 가장 덜 일치하는 사진. 둘을 비교한 사진 {of}장 중 "
            "{compared}장 가운데.",
        ),
    },
    "evidence_scaling": "복합 스케일링",
    "evidence_scaling_text": "작은 네트워크 하나와, 비용이 네 배인 넷의 학습 {count}번입니다. 열은 각자 자신의 답에 대한 "
    "마지막 층의 것으로, 동물이 표시된 사진 {pictures}장에서 쟀으며, 고운 지도가 크기만으로 이기지 않도록 4 x 4의 한 "
    "격자로 맞추었습니다. 학습들로, 하나라도 재기 전에 정해 둔 정확 단측 검정으로 판정합니다.",
    "evidence_scaling_cost": (
        "비용에 대한 정확도",
        "왼쪽: 고양이와 개에 대한 우리의 모든 학습. 오른쪽: 논문이 다른 데이터에서 준 EfficientNet-B0에서 B7.",
    ),
    "evidence_scaling_few": "**말하기에는 너무 적음:** 종류마다 학습이 세 번 필요한데, {least}번인 것이 있습니다.",
    "evidence_scaling_figure": "**{mean}**({low}~{high}, 5 % 단측 검정이 기각하기 시작하는 곳): {kind}(학습 "
    "{count}번)에서 {others}({of})을 뺀 것. 그중 {count}번을 그렇게 부르는 모든 방법 가운데 {p}이 이만큼 큽니다.",
    "evidence_scaling_pair": "{kind}에서 {other:을} 뺀 것: {mean}({low}~{high}), 판정 없음.",
    "evidence_ours": "우리 것",
    "evidence_original": "원래 것",
    "evidence_original_what": "원래 것: {what}.",
    "evidence_interval": "{low}~{high}",
    "evidence_loss": "손실 {loss}",
    "evidence_best": "{epochs} 에폭 가운데 최고",
    "evidence_after": "{epochs} 에폭 뒤",
    "evidence_pair": "{left}, {right}",
    "evidence_measured": "지도와 특징은 시험 사진 {count}장에서 쟀습니다. 일치도는 각 사진의 정답 클래스의 지도에 대한 "
    "것이고, 지도에 대한 나머지는 모두 각 모델이 스스로 예측한 것에 대한 것입니다.",
    "evidence_measured_heads": "지도와 특징은 시험 사진 {count}장에서, 머리와 동물은 그것이 표시된 다른 사진 {heads}장에서 "
    "쟀습니다. 일치도는 각 사진의 정답 클래스의 지도에 대한 것이고, 지도에 대한 나머지는 모두 각 모델이 스스로 예측한 "
    "것에 대한 것입니다.",
    "evidence_recipes": "두 **조리법**이 다른지는 {left}번과 {right}번의 학습으로 판정합니다: 그것에 대한 정확 순열 검정이, "
    "한 지표의 깊이들에 대해 보정하여, p ≤ 5 %인 곳에 표시합니다.",
    "evidence_recipes_few": "구간은 이 두 파일의 것입니다. 두 **조리법**이 다른지는 {left}번과 {right}번의 학습으로는 알 수 "
    "없습니다: **말하기에는 너무 적어**(각각 네 번이 필요) 아무것도 표시하지 않습니다.",
    "evidence_recipes_pairs": "학습의 모든 쌍을 비교하지는 않았으므로, 일치도와 닮음은 판정하지 않습니다.",
    "evidence_left_out": "조리법마다 처음 {most}번을 넘는 학습은 보지 않습니다. 나누는 모든 방법을 시험하기에는 너무 많기 "
    "때문입니다: {titles}.",
    "evidence_one_recipe": "같은 조리법의 두 학습입니다. 여기서 다른 것은 우연으로 다릅니다.",
    "evidence_no_plots": "{left:과} {right:을} 아직 비교하지 않아 둘의 도표가 없습니다.",
    "evidence_missing": "없는 것: {plots}.",
    "evidence_no_lists": "시험 사진 목록에는 두 모델이 그것을 무엇으로 예측했는지가 필요합니다(각 모델 옆의 "
    "evaluation/predictions.npz).",
    "evidence_figure_file": "잰 값: **{mean}**, 95 % 구간 {low}~{high}, 사진 {count}장에 걸쳐: 이 파일들의 것.",
    "evidence_figure_recipe": "잰 값: **{mean}**, 95 % 구간 {low}~{high}, 학습에 걸쳐: {left}번과 {right}번.",
    "evidence_needs": "맞으려면 구간 전체가 여백 **{margin}** 위에 있어야 합니다.",
    "evidence_needs_same": "맞으려면 구간 전체가 여백 **{margin}** 아래에 있어야 합니다.",
    "evidence_known": "이 규칙을 쓸 때 처음 학습들의 수치는 알려져 있었습니다.",
    "evidence_too_few": "**말하기에는 너무 적음:** 학습 {left}번과 {right}번. 각각 네 번이 필요합니다.",
    "evidence_too_few_pictures": "**말하기에는 너무 적음:** 표시된 사진 가운데 틀리는 것이 다섯 장보다 적습니다.",
    "evidence_nothing": "**말할 것이 없음:** 어느 모델에서도 그런 사진이 없습니다.",
    "evidence_trainings": "{title}, 학습 {count}번: {values}.",
    "evidence_pairs_between": "둘의 학습 사이, {count}쌍: {low}~{high}.",
    "evidence_pairs_within": "한 조리법 안, {count}쌍: {low}~{high}.",
    "evidence_not_all_pairs": "**판정하지 않음:** 학습의 모든 쌍을 비교하지는 않았습니다.",
    "evidence_not_compared": "**판정하지 않음:** {left:과} {right:을} 아직 비교하지 않았습니다.",
    "evidence_stale": "{titles}의 이전 학습에서 잰 것입니다. 둘을 새로 비교하세요.",
    "evidence_claim_stale": "**판정하지 않음:** {titles}의 이전 학습에서 잰 것입니다.",
    "evidence_not_measured": "**판정하지 않음:** {left:과} {right}에서 이 수치를 재지 않았습니다.",
    "evidence_no_data_long": "시험 사진은 넘겨줄 수 없어 보여 주지 않으며, 데이터 집합의 번호만 있습니다. 데이터와 함께 이 "
    "페이지를 여는 사람(app.py --data-dir DIR)은 여기서 사진을 봅니다.",
    "evidence_other_data": "이 서버의 데이터 폴더에는 이 사진이 하나도 없습니다.",
    "evidence_unknown": "그런 이름의 것은 여기 없습니다.",
    "evidence_no_table": "이 도표의 데이터가 없습니다.",
    "evidence_no_data": "이 서버에는 사진을 보여 줄 데이터 집합이 없습니다.",
    "evidence_no_file": "데이터 폴더에 없습니다.",
    "evidence_other_edition": "다른 판입니다. 모델을 시험한 파일이 아닙니다.",
    "evidence_unreadable": "이 파일을 읽을 수 없습니다.",
    # evidence of many classes
    "classes_labels": {
        "many": "클래스",
        "many_title": "많은 클래스를 자세히",
        "many_model": "모델",
        "confusion": "무엇을 무엇으로 보는가",
        "confusion_text": "행: 정답 클래스, 열: 예측한 클래스. 파랑: 맞음, 빨강: 다른 클래스로 봄. 진할수록 잦습니다. 칸을 "
        "가리키거나 두드리거나 화살표 키를 쓰면 아래에 그 칸을 말해 주고, 클릭하거나 “확대”를 누르면 커집니다.",
        "confusion_grouped": "클래스는 상위 클래스로 정렬했으며, 선은 {groups}개의 상위 클래스 사이에 있습니다.",
        "confusion_keys": "클래스 {count}가지의 혼동 행렬. 화살표 키로 움직이고, Enter로 확대하고, Escape로 돌아갑니다.",
        "confusion_keys_grouped": "클래스 {count}가지의 혼동 행렬. 화살표 키로 움직이고, Page Up과 Page Down은 상위 "
        "클래스마다, Enter로 확대하고, Escape로 돌아갑니다.",
        "cell": "정답 **{truth}**, 예측 **{answer}**: {total}장 중 {count}장",
        "cell_right": "정답 **{truth}**, 예측 **{answer}**: {total}장 중 {count}장, 맞음",
        "cell_none": "{truth}인 시험 사진이 없습니다.",
        "zoom": "확대",
        "zoom_all": "클래스 {count}가지 모두",
        "zoom_cell": "확대",
        "zoom_back": "← 모든 클래스",
        "zoom_pair": "{first}, {second}",
        "zoom_block": "{columns:으로} 본 {rows}",
        "elsewhere": "나머지",
        "truth_below": "정답 ↓ 예측 →",
        "scale_wrong": "다른 것으로 봄: 0에서 {most}까지",
        "scale_right": "맞음: 0에서 100 %까지",
        "pairs": "가장 자주 혼동하는 쌍",
        "pairs_text": "양쪽을 합한 것입니다. 첫째를 둘째로 보는 일이 그 반대보다 적지 않습니다.",
        "pair_counts": "{of}장 중 이쪽 {there}, 저쪽 {back}",
        "best": "가장 잘하는 클래스",
        "worst": "가장 못하는 클래스",
        "every_class": "클래스별로",
        "ends_text": "한 클래스의 시험 사진 가운데 맞힌 비율과, 그 클래스만의 95 % 구간입니다.",
        "of_so_called": "그렇게 부른 것의 {share:이} 맞음",
        "taken_for": "그 밖에는 주로 {name}({count})",
        "inside": "상위 클래스 안과 사이의 오류",
        "inside_right": "맞음",
        "inside_within": "틀림, 같은 상위 클래스",
        "inside_across": "틀림, 다른 상위 클래스",
        "sureness": "신뢰도",
        "sureness_text": "모델이 그만큼 확신할 때 얼마나 자주 맞는지: 파선 위면 말한 만큼 맞습니다. 큰 점은 시험 사진이 많은 "
        "것이고, 막대는 95 % 구간입니다. 가는 선: 사진이 {fewest}장 이상 있는 곳의 {others}.",
        "sureness_members": "그 구성원",
        "sureness_others": "이 클래스들의 다른 모델",
        "sureness_alone": "모델이 그만큼 확신할 때 얼마나 자주 맞는지: 파선 위면 말한 만큼 맞습니다. 큰 점은 시험 사진이 "
        "많은 것이고, 막대는 95 % 구간입니다.",
        "sure": "얼마나 확신하는지",
        "right": "얼마나 자주 맞는지",
        "gap": "보정 오차",
        "adding": "구성원마다 보태는 것",
        "member": "구성원",
        "alone": "혼자",
        "without": "이것만 빼고",
        "adds": "보탬",
        "ladder": "사다리: 평범한 네트워크에서 위로",
        "ladder_text": "CIFAR-100에서의 짧은 학습들로, 앞의 것에 하나씩 더한 것입니다. 점과 선: 시험 분할에서의 우리 것과 "
        "95 % 구간. 마름모: 구간을 주지 않은 원래 것.",
        "ladder_step": "단",
        "ladder_ours": "우리 것",
        "ladder_original": "원래 것",
        "ladder_parameters": "가중치",
        "ladder_trained": "학습",
    },
    "classes_right": "{title:은} 시험 사진 **{count}장 가운데 {right}장**을 맞힙니다: {share}(95 % 구간 {low}~{high}).",
    "classes_within": "틀린 답 {wrong}개 가운데 **{share}**는 같은 상위 클래스의 다른 클래스입니다(95 % 구간 {low}~{high}). "
    "각각이 나머지 클래스에 고르게 떨어진다면 {chance}일 것입니다.",
    "classes_groups_right": "그래서 시험 사진의 **{share}**에서 상위 클래스가 맞습니다.",
    "classes_together": "답 {count}개의 평균은 시험 사진의 **{together}**에서 맞고, 가장 좋은 구성원 혼자는 {best}에서 맞습니다. "
    "“보탬”은 그 구성원이 없을 때 잃는 것이며, 괄호 안은 사진에 걸친 95 % 구간입니다.",
    "classes_points": "{value}점",
    "classes_points_interval": "{value}점({low}~{high})",
    "evidence_no_predictions": "이 모델이 시험 사진을 무엇으로 예측했는지 읽을 수 없습니다.",
    "ladder_range": "{low}~{high} %",
    "ladder_epochs": "{count} 에폭",
    "ladder_epoch": "{count} 에폭",
    "ladder_seconds": "{count}초",
    "ladder_minutes": "{count}분",
    "ladder_hours": "{count}시간",
    # about
    "about_what": "최적화기처럼 한 가지만 다른 두 분류기가 당신의 사진을 봅니다. 이 페이지는 둘의 모든 층에서 클래스의 "
    "근거가 사진 어디에 있는지 보여 주고, 층을 깊이로 짝지으며, 둘이 얼마나 일치하는지 말해 줍니다.",
    "about_read": "읽는 법",
    "about_points": [
        "지도는 설명하는 클래스의 근거를 층이 어디에 갖고 있는지를, 색의 순서대로(viridis: 보라에서 노랑) 적음에서 "
        "많음까지 보여 주며, 사진이 비치는 곳에는 근거가 없습니다. 지도마다 눈금이 따로 있습니다. “지도”는 실제 칸을, "
        "“모델이 본 것”은 들어간 눌린 사진을 보여 줍니다.",
        "조절 막대 하나가 두 모델의 첫 층에서 마지막 층까지 움직입니다. 파란 곡선은 두 지도의 스피어만 순위 상관입니다: "
        "1이면 장소의 순서가 같고 0이면 무관합니다.",
        "회색 띠는 잣대입니다: 우연만으로 달라진 한 조리법의 두 학습이 각 시험 사진의 정답 클래스의 지도에서 얼마나 "
        "일치하는지입니다. 깊이마다 시험 사진 10장 중 8장이 그 안에, 1장이 아래에 있으므로, 깊이가 많으면 어느 시험 "
        "사진이든 몇몇 깊이에서 우연히 아래에 있습니다. 시험 사진 10장 중 9장에서 두 시드가 그러한 것보다 많은 깊이에서 "
        "아래일 때만 두 모델에 대해 무엇인가를 말하며, 그때 말로 그렇게 적습니다.",
        "차이는 먼저 각 지도를 자신의 합으로 나눕니다: 왼쪽 모델의 열이 더 많은 곳은 빨강, 오른쪽이 더 많은 곳은 "
        "파랑입니다. 눈금은 모든 깊이와 모든 사진에서 같습니다.",
        "각 지도는 그 모델 자신의 답을 설명합니다. 두 답이 다르면 각 그림은 무엇의 근거인지 말하고, 차이도 수치도 없습니다: "
        "서로 다른 클래스의 지도는 모델이 무엇을 보든 다릅니다. “둘에게 한 클래스”는 양쪽에서 평균 확률이 더 높은 클래스를 "
        "설명합니다.",
        "셋 이상의 모델은 한 줄로 섭니다. 각각을 첫째에 견줍니다: 지도 아래의 막대는 둘이 여기서 얼마나 일치하는지 말하고, "
        "클릭하면 그 선이 도드라집니다.",
        "클래스가 다섯보다 많으면 각 모델은 자신의 가장 그럴듯한 다섯을 보여 줍니다. 정답 클래스가 알려진 곳에서는 표시가 "
        "붙습니다: 첫째면 파랑, 다섯 안에 있으면 초록, 없으면 첫 추측이 호박색입니다.",
        "모델이 “적어도” 맞힌다는 것은, 가장 비슷하게 확신하는 시험 사진 100장에 걸친 95 % 구간의 아래쪽 끝입니다. 모델의 "
        "클래스가 하나도 없는 예시에 대해서는 그런 비율도 잣대도 말하지 않습니다: 그 클래스의 사진에서 쟀기 때문입니다.",
        "지도는 모델이 무엇에 반응하는지를 보여 줄 뿐 왜인지는 보여 주지 않으며, 어떤 지도도 모델이 옳다는 것을 증명하지 "
        "않습니다.",
    ],
    "about_hands": "단축키: ← → Home End는 층 사이를 움직입니다. 비교 화면에 초점이 있을 때(안쪽을 클릭) O M F S는 보여 줄 "
    "것을 고르고, Space를 누르고 있거나 사진을 길게 누르는 동안은 사진만 보이고, B를 누르고 있는 동안은 왼쪽과 오른쪽이 바뀌어 "
    "차이가 깜빡입니다. + − 0, Ctrl과 휠, 두 번 클릭, 두 손가락으로 확대합니다.",
    "about_models": "모델",
    "about_columns": [
        "모델",
        "시험 정확도",
        "시험 사진",
        "로그 손실",
        "보정 오차",
        "가중치",
        "조리법",
    ],
    "about_source_columns": ["사진", "만든 이", "이용 조건", "출처"],
    "about_problems": "쓸 수 없어 건너뛴 것:",
    "about_rules": "규칙",
    "about_rules_text": "Aₖ는 층의 채널 k, Gₖ는 거기서 설명하는 점수의 기울기, ⊙는 자리마다의 곱입니다.",
    "about_privacy": "개인 정보",
    "about_privacy_text": "사진은 이 페이지를 여는 서버로만 가고 다른 곳으로 가지 않습니다. 읽고, 지도로 답하고, 마지막으로 쓴 "
    "뒤 {minutes}분 안에, 또는 서버가 멈출 때 디스크와 메모리에서 지웁니다. 우리의 쿠키도, 통계도, 다른 호스트로의 요청도 "
    "없습니다.",
    "about_sources": "출처",
    "about_sources_text": "예시 사진:",
    "about_api": "프로그램에서",
    "about_api_text": "같은 답을 JSON으로, gradio_client로:",
    # of each rule, what it shows
    "rules": {
        "gradcam": "점수를 올리는 특징이 있는 곳. 가장 흔한 방법.",
        "gradcam++": "Grad-CAM과 같지만, 같은 종류의 것이 여럿이면 똑같이 셈.",
        "hirescam": "자리마다 특징 곱하기 기울기. 마지막 층에서는 점수를 이루는 것 그대로.",
        "layercam": "HiResCAM에서 점수를 낮추는 것을 뺀 것. 앞쪽 층에서도 또렷함.",
        "xgradcam": "Grad-CAM과 같지만, 특징이 활성인 곳으로 무게를 둠.",
        "fem": "클래스와 상관없이 특징이 평균보다 훨씬 높은 곳.",
        "shapleycam": "기울기 자체가 어떻게 변하는지로 바로잡은 Grad-CAM.",
        "refinecam": "이 층과 그 뒤 모든 층이 일치하는 곳.",
        "eigencam": "클래스와 상관없이 층에서 가장 많이 변하는 것.",
        "eigengradcam": "클래스에 유리하든 불리하든 특징 곱하기 기울기의 주된 방향.",
        "kpcacam": "클래스와 상관없이 굽은 길까지 따라 층에서 가장 많이 변하는 것.",
        "gradient": "조금만 바뀌어도 점수가 가장 많이 바뀌는 픽셀.",
        "gradient-input": "모델이 이 사진 둘레에서 선형이라면 각 픽셀이 점수에 보태는 것.",
        "fullgrad": "픽셀과 모든 편향이 함께 점수에 보태는 것.",
        "guided-backprop": "그럴듯해 보이지만 모델이 배운 것에는 거의 달려 있지 않은 가는 윤곽.",
        "guided-gradcam": "Grad-CAM이 뜨거운 곳의 가는 윤곽. 그 세부는 모델의 것이 아님.",
        "legrad": "주의를 더 두면 점수가 오를 곳. 비전 트랜스포머용.",
        "smoothgradcam++": "잡음을 섞은 사진들에 걸쳐 평균한 Grad-CAM++.",
        "scorecam": "특징마다 그것을 통해 사진을 보여 주고, 점수로 중요한 것을 정함.",
        "ablationcam": "특징을 한 번씩 꺼 보고, 점수가 잃는 만큼을 그 몫으로 침.",
        "smoothgrad": "잡음을 섞은 사진들에 걸쳐 평균한 기울기.",
        "integrated-gradients": "검은 사진에서 이 사진까지 가는 길에 각 픽셀이 점수에 보태는 것.",
        "occlusion": "창을 자리마다 가려 보고, 점수가 잃는 것을 그 자리에 보임.",
        "rise": "무작위 가림막 천 개: 모델이 계속 확신할 때 남아 있던 곳.",
    },
    "finer_title": "Finer-CAM",
    "finer_sentence": "각 모델 자신의 답의 Grad-CAM에서 가장 가까운 클래스들의 것을 뺀 것.",
    # faithfulness, in words
    "faithful_better": "**{name}: 아무것도 모르는 것보다 낫습니다.** 이 지도는 모델을 모르는 어느 지도보다 답이 의지하는 것을 "
    "잘 말해 줍니다(이득 {srg}, 그쪽은 많아야 {baselines}).",
    "faithful_no_better": "**{name}: 아무것도 모르는 것보다 낫지 않습니다.** 모델을 모르는 지도 가운데 하나가 그만큼 "
    "합니다(이득 {srg}, 그쪽은 {baselines}까지). 그러므로 이 사진에서 이 지도는 답이 의지하는 것을 보여 주지 않습니다.",
    "faithful_zero": "**{name}: 지도가 없습니다.** 여기서는 어디서나 0이므로 장소의 순서는 무작위입니다.",
    "cross_both": "둘 다 **상대의 지도로도** 자신의 지도만큼 빨리 답을 잃습니다: {first:이} 의지하는 것을 {second}도 "
    "필요로 하고, 그 반대도 그렇습니다.",
    "cross_neither": "둘 다 **상대의 지도로는** 자신의 지도보다 늦게 답을 잃습니다: {first:과} {second:은} 다른 곳에, 또는 "
    "상대의 지도가 보여 주는 것보다 많은 것에 의지합니다.",
    "cross_one": "{watched:은} {other}의 지도로도 자신의 지도만큼 빨리 답을 잃지만, **{other:은}** {watched}의 지도로 **그렇지 "
    "않습니다**: 다른 것에, 또는 더 많은 것에 의지합니다.",
    "random_alike": "**{name}: 배운 것에 거의 달려 있지 않습니다.** 모든 가중치가 무작위여도 지도가 거의 같습니다(순위 상관 "
    "{rank}). 사진을 보여 줄 뿐입니다.",
    "random_other": "{name}: 모든 가중치가 무작위이면 다른 지도가 되므로(순위 상관 {rank}), 배운 것에 달려 있습니다.",
    # title and description, by a model's id
    "models": {
        "cats-dogs-effnet-adam": (
            "EfficientNet, Adam",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 Adam으로 고양이와 개에 학습.",
        ),
        "cats-dogs-effnet-adam-seed2": (
            "EfficientNet, Adam, 시드 2",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 Adam으로 고양이와 개에 학습. 다른 시드.",
        ),
        "cats-dogs-effnet-sgd": (
            "EfficientNet, SGD",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 모멘텀 SGD로 고양이와 개에 학습.",
        ),
        "cats-dogs-effnet-sgd-seed2": (
            "EfficientNet, SGD, 시드 2",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 모멘텀 SGD로 고양이와 개에 학습. 다른 시드.",
        ),
        "cats-dogs-vgg16-high": (
            "VGG16, 높은 정확도",
            "VGG16을 처음부터, 고양이와 개 17,000장에, 점점 커지는 사진으로 학습.",
        ),
        "cats-dogs-vgg16-low": (
            "VGG16, 낮은 정확도",
            "VGG16을 한 에폭, 개라고 한 고양이 세 장과 고양이라고 한 개 세 장에 학습.",
        ),
        "cifar100-cnn": ("평범한 CNN", "가중치 540만 개의 잔차 네트워크를 CIFAR-100에 처음부터 학습."),
        "cifar100-effnet-frozen": (
            "EfficientNet, 고정",
            "ImageNet이 남긴 그대로의 EfficientNet-Lite0. 새 분류기만 CIFAR-100에 학습.",
        ),
        "cifar100-effnet-finetuned": (
            "EfficientNet, 미세 조정",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 CIFAR-100에 학습.",
        ),
        "cifar100-effnet-finetuned-seed2": (
            "EfficientNet, 미세 조정, 시드 2",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite0 전체를 CIFAR-100에 학습. 다른 시드.",
        ),
        "cifar100-effnet-lite1": (
            "EfficientNet-Lite1, 미세 조정",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite1 전체를 CIFAR-100에 학습.",
        ),
        "cifar100-effnet-lite2": (
            "EfficientNet-Lite2, 미세 조정",
            "ImageNet 가중치에서 시작한 EfficientNet-Lite2 전체를 CIFAR-100에 학습.",
        ),
        "cifar100-ensemble": (
            "다섯이 함께",
            "EfficientNet-Lite0 둘, Lite1, Lite2, 평범한 CNN. 그 답의 평균.",
        ),
    },
    # by an example's id
    "example_titles": {
        "dog-shepherd": "독일 셰퍼드",
        "cat-yarn": "털실 뭉치와 새끼 고양이",
        "cat-chelsea": "가까이서 본 고양이 얼굴",
        "kitten-hind": "뒤에서 본 새끼 고양이",
        "raccoon": "미국너구리 얼굴",
        "coffee-cup": "에스프레소",
        "rocket": "해 질 녘 발사대의 팰컨 9",
        "cow": "홀스타인 소",
        "crocodile": "늪악어",
        "polar-bear": "북극곰",
        "koala": "코알라",
        "panda": "판다",
    },
    # by a rule's name
    "rule_warnings": {
        "gradcam": "기울기를 평균하므로, 점수가 쓰지 않은 곳이 밝아질 수 있으며 앞쪽 층에서 가장 심함.",
        "gradcam++": "ReLU 뒤의 층을 위해 유도됨. 채널의 활성 합이 0보다 작으면 α에 극이 있음.",
        "xgradcam": "ReLU 뒤의 층을 위해 유도됨. 채널의 활성이 서로 지우면 그 무게에 극이 있음.",
        "fem": "클래스에 달려 있지 않음. 2 x 3칸보다 적으면 아무것도 평균보다 표준편차 둘만큼 높을 수 없음.",
        "shapleycam": "뒤에 ReLU와 풀링만 있으면 굽음이 없어 Grad-CAM과 같음.",
        "refinecam": "열이 없는 층이 하나라도 있으면 그 앞에는 남지 않음. 어느 층을 묻는지에 달려 있음.",
        "legrad": "비전 트랜스포머용. 지금의 주의가 나르는 것이 아니라 주의를 더 두면 점수가 오를 곳.",
        "eigencam": "클래스에 달려 있지 않음. 층에서 가장 많이 변하는 것을 보임.",
        "eigengradcam": "클래스에 유리하든 불리하든 기울기 곱하기 활성이 가장 큰 한 방향을 보임.",
        "kpcacam": "클래스에 달려 있지 않으며, 해상도는 많아야 28 x 28.",
        "gradient": "점수를 이루는 것이 아니라 조금 바뀌면 점수가 바뀔 곳. 잡음이 많음.",
        "gradient-input": "검거나 모델이 0으로 받는 것은 점수에 몫이 없음. 잡음이 많음.",
        "fullgrad": "클래스에 불리한 것도 유리한 것만큼 셈.",
        "guided-backprop": "위쪽 층과 클래스가 무엇이든 윤곽을 보임. 그것이 무작위여도 거의 변하지 않음.",
        "guided-gradcam": "묻는 마지막 층의 Grad-CAM에 모델의 것이 아닌 가는 세부를 더한 것. 위쪽 층과 클래스가 무엇이든 윤곽을 "
        "보이며, 그것이 무작위여도 거의 변하지 않음.",
        "smoothgradcam++": "Grad-CAM++처럼 ReLU 뒤의 층을 위해 유도됨.",
        "scorecam": "가려진 사진은 모델이 본 어느 것과도 다름. 가장 많이 변하는 채널만 셈.",
        "ablationcam": "층마다 활성이 가장 큰 채널만 셈.",
        "smoothgrad": "점수를 이루는 것이 아니라 조금 바뀌면 점수가 바뀔 곳.",
        "integrated-gradients": "기준(따로 말하지 않으면 검정)만큼 어두운 것은 점수에 몫이 없음.",
        "occlusion": "두 번 있는 것은 어느 창으로도 없어지지 않음. 창 자체도 보이는 무엇임.",
        "rise": "무작위 가림막은 자기 무늬를 남기며, 적을수록 심함. 가린 곳은 검정.",
    },
    "language": "한국어",
    "language_label": "언어",
    # errors
    "no_picture": "먼저 사진을 골라 주세요.",
    "gone": "이 사진은 서버에 더는 없습니다. 다시 놓아 주세요.",
    "unknown_example": "그런 이름의 예시가 없습니다.",
    "unknown_model": "모델 {asked!r}이(가) 없습니다. 있는 것: {known}.",
    "model_count": "모델을 {fewest}개에서 {most}개까지 고르세요.",
    "other_classes": "이 모델들은 서로 다른 클래스를 구별합니다. 같은 것을 아는 모델을 고르세요.",
    "unknown_rule": "규칙 {asked!r}이(가) 없습니다. 있는 것: {known}.",
    "unknown_target": "“own”도 “common”도 이 모델들의 클래스도 아닙니다: {asked!r}. 있는 것: {known}.",
    "not_uploaded": "여기에 올린 사진만 읽습니다.",
    "model_fails": "{title:을} 불러올 수 없습니다: {reason}",
    "not_explained": "{title:을} 설명할 수 없습니다: {reason}",
    "start_fails": "모델을 불러올 수 없습니다. 이 페이지를 여는 사람은 기록에서 까닭을 볼 수 있습니다.",
    "busy": "지금 기다리는 사진이 너무 많습니다. 1분 뒤에 다시 해 보세요.",
    "internal": "서버에서 무엇인가 잘못되었습니다. 다시 하거나 다른 사진으로 해 보세요.",
    "lacks_guided": "{title}에는 ReLU가 없습니다. 이 방법은 거기서 되돌려 보내는 것을 바꿉니다.",
    "lacks_attention": "{title}에는 사진 조각들에 대한 주의가 없습니다. 이 방법은 그것을 봅니다.",
    "lacks_classes": "클래스가 둘이면 하나에 유리한 것이 다른 하나에 불리합니다. 셋 이상이어야 합니다.",
    "lacks_logits": "앙상블에는 확률 앞에 자신의 점수가 없는데, 이것은 점수를 비교합니다.",
    "contrast_agree": "둘의 답이 같아 둘을 가르는 것이 없습니다.",
    "contrast_ensemble": "앙상블에는 확률 앞에 자신의 점수가 없으므로, 다른 것과 가르는 것을 말하지 않습니다.",
    "contrast_pair": "모델을 가르는 것은 둘에게 묻습니다.",
    "contrast_rule": "두 모델을 가르는 것은 이 방법 가운데 하나로 묻습니다: {known}.",
    "faithful_pair": "믿을 만한지는 두 모델에게 묻습니다.",
    "faithful_target": "믿을 만한지는 한 클래스의 지도에 대해서만 묻습니다.",
    "busy_slow": "지금 오래 걸리는 질문이 너무 많이 기다립니다. 몇 분 뒤에 다시 해 보세요.",
    "cancelled": "그만두었습니다.",
    "too_slow": "여기서는 {minutes}분보다 오래 걸립니다. 더 빠른 방법이나 더 적은 모델을 고르세요.",
    "no_address": "이 주소에는 아무것도 없습니다.",
    "long": "너무 깁니다. 여기서는 최대 {megabytes} MB를 받습니다.",
    "slow": "제때 도착하지 않았습니다. 다시 해 보세요.",
    "not_json": "질문은 JSON이며 그렇다고 밝혀야 합니다: Content-Type: application/json.",
    "not_known": "이런 형태의 질문은 여기서 알지 못합니다.",
    "one_file": "올리기는 files라는 칸에 파일 하나를 담은 multipart/form-data입니다.",
    "share": "당신의 주소에서 한꺼번에 너무 많이 옵니다. 일부가 끝나기를 기다려 주세요.",
    "no_function": "그런 이름이나 번호의 함수가 없습니다.",
    "no_question": "그런 질문이 없거나 답을 더는 간직하고 있지 않습니다. 다시 물어봐 주세요.",
    "arguments": "값 {count}개를 이 순서로 받습니다: {names}.",
    "argument": "값 하나가 받는 것과 다른 종류입니다.",
    # by key of a PictureError, CheckpointError or ModelError ("picture.too-large"), filled in by the error's facts;
    # what is not here is said in the library's own words
    "errors": {
        "model.head": "{operation} 연산으로 끝나므로 확률을 주는지 확실히 알 수 없습니다. 끝에 소프트맥스나 시그모이드 층이 "
        "있으면 알 수 있습니다.",
    },
}
