# ruff: noqa: E501, RUF001 - markup and words as such sites send them
"""Prose in many languages for sites that winnow's own farm does not know: sentences put together anew for every site."""

from __future__ import annotations

from random import Random

_ENGLISH = (
    (
        "My neighbour",
        "The old workshop",
        "A retired carpenter",
        "Our reader Ingrid",
        "The second prototype",
        "Every spring",
        "The bakery on the corner",
        "A friend from Leeds",
        "This year's model",
        "The instruction leaflet",
        "Half the village",
        "A quieter motor",
        "The cheaper of the two",
        "Nobody in the shop",
        "The test bench",
        "A long winter",
    ),
    (
        "surprised me with",
        "was never made for",
        "needs rather more than",
        "taught us about",
        "survived",
        "could not explain",
        "has very little to do with",
        "gave up on",
        "is still looking for",
        "brought along",
        "deserves",
        "was replaced by",
        "begins with",
        "complained about",
        "proved useful for",
        "depends upon",
    ),
    (
        "a rusty hinge",
        "three litres of cold water",
        "the smell of cedar",
        "a borrowed ladder",
        "six weeks of rain",
        "an honest warranty",
        "the wrong kind of screws",
        "a very patient teacher",
        "the last train home",
        "a bag of plums",
        "somebody else's notes",
        "the price of copper",
        "a good night's sleep",
        "two spare batteries",
        "an empty kitchen",
        "a map nobody had folded",
        "the colour of wet slate",
        "a kettle without a lid",
    ),
    (
        "before the museum closed.",
        "and nobody wrote it down.",
        "which I only noticed on Thursday.",
        "as my sister had warned.",
        "although the label says otherwise.",
        "when the power came back.",
        "so we measured it twice.",
        "for reasons of taste.",
        "until the ferry was cancelled.",
        "in the narrow garden.",
        "despite the reviews.",
        "and it shows.",
        "because of a missing washer.",
        "after the second coat.",
        "at least in our kitchen.",
        "with the window open.",
    ),
)
_WORDS = {
    "de": "Garten Werkstatt gestern gemessen ruhig Fenster Nachbar Hobel Winter langsam Kaffee Regal Schrauben selten geprüft "
    "Abend Küche Wasser Leiter billig sorgfältig gebaut warten Brücke Markt Brot Stunde Schatten leise Holz Farbe Probe "
    "einmal zweimal manchmal draußen drinnen vorher nachher gern kaum wieder bald Gewicht Griff Kante Ofen Topf Tür",
    "ar": "البيت الحديقة اليوم أمس القهوة الطريق الكتاب السوق الجار الماء الخشب الباب النافذة الصباح المساء المدينة القرية "
    "صغير كبير جديد قديم هادئ سريع بطيء جميل رخيص غال نافع بسيط طويل قصير كتبنا جربنا وجدنا سألنا رأينا صنعنا طبخنا "
    "الشتاء الصيف الخبز الملح الزيت السكر اللون الوزن السعر الصورة الرحلة البحر الجبل",
    "he": "הבית הגינה היום אתמול הקפה הדרך הספר השוק השכן המים העץ הדלת החלון הבוקר הערב העיר הכפר קטן גדול חדש ישן שקט "
    "מהיר איטי יפה זול יקר פשוט ארוך קצר כתבנו ניסינו מצאנו שאלנו ראינו בנינו בישלנו החורף הקיץ הלחם המלח השמן הסוכר "
    "הצבע המשקל המחיר התמונה הטיול הים ההר",
    "ru": "сегодня вчера сад мастерская сосед окно зима лето кофе вода хлеб дорога книга рынок утро вечер город деревня "
    "маленький большой новый старый тихий быстрый медленный красивый дешёвый дорогой простой долгий мы попробовали "
    "нашли спросили увидели построили сварили соль масло сахар цвет вес цена поездка море гора лестница чайник",
    "pl": "ogród warsztat sąsiad okno zima lato kawa woda chleb droga książka rynek ranek wieczór miasto wieś mały duży nowy "
    "stary cichy szybki powolny ładny tani drogi prosty długi spróbowaliśmy znaleźliśmy zapytaliśmy zobaczyliśmy sól olej "
    "cukier kolor waga cena podróż morze góra drabina czajnik wczoraj dzisiaj rzadko często dokładnie",
    "tr": "bahçe atölye komşu pencere kış yaz kahve su ekmek yol kitap pazar sabah akşam şehir köy küçük büyük yeni eski "
    "sessiz hızlı yavaş güzel ucuz pahalı basit uzun denedik bulduk sorduk gördük yaptık pişirdik tuz yağ şeker renk "
    "ağırlık fiyat gezi deniz dağ merdiven çaydanlık dün bugün nadiren sık dikkatle",
    "el": "κήπος εργαστήριο γείτονας παράθυρο χειμώνας καλοκαίρι καφές νερό ψωμί δρόμος βιβλίο αγορά πρωί βράδυ πόλη χωριό "
    "μικρός μεγάλος νέος παλιός ήσυχος γρήγορος αργός όμορφος φτηνός ακριβός απλός μακρύς δοκιμάσαμε βρήκαμε ρωτήσαμε "
    "είδαμε φτιάξαμε αλάτι λάδι ζάχαρη χρώμα βάρος τιμή ταξίδι θάλασσα βουνό σκάλα",
    "hi": "बगीचा कार्यशाला पड़ोसी खिड़की सर्दी गर्मी चाय पानी रोटी सड़क किताब बाज़ार सुबह शाम शहर गाँव छोटा बड़ा नया पुराना शांत "
    "तेज़ धीमा सुंदर सस्ता महँगा सरल लंबा हमने देखा पूछा बनाया पकाया नमक तेल चीनी रंग वज़न दाम यात्रा समुद्र पहाड़ सीढ़ी",
    "ko": "정원 작업실 이웃 창문 겨울 여름 커피 물 빵 길 책 시장 아침 저녁 도시 마을 작은 큰 새로운 오래된 조용한 빠른 느린 아름다운 "
    "저렴한 비싼 간단한 긴 우리는 찾았다 물었다 보았다 만들었다 요리했다 소금 기름 설탕 색깔 무게 가격 여행 바다 산 사다리",
    "fa": "خانه باغ امروز دیروز قهوه راه کتاب بازار همسایه آب چوب در پنجره صبح عصر شهر روستا کوچک بزرگ تازه کهنه آرام تند "
    "کند زیبا ارزان گران ساده بلند نوشتیم آزمودیم یافتیم پرسیدیم دیدیم ساختیم پختیم زمستان تابستان نان نمک روغن شکر رنگ",
}
_UNSPACED = {
    "ja": "今日昨日庭工房隣人窓冬夏珈琲水道本市場朝夕町村小大新古静速遅美安高簡長試見作煮塩油砂糖色重値段旅海山梯子箱紙木石風雨雪空",
    "zh": "今天昨天花园工作室邻居窗户冬夏咖啡水路书市场早晚城村小大新旧静快慢美便宜贵简单长试看做煮盐油糖颜色重量价格旅海山梯箱纸木石",
    "th": "วันนี้เมื่อวานสวนบ้านเพื่อนหน้าต่างหนาวร้อนกาแฟน้ำถนนหนังสือตลาดเช้าเย็นเมืองเล็กใหญ่ใหม่เก่าเงียบเร็วช้าสวยถูกแพงง่ายยาวลองดูทำต้มเกลือ",
}
_KANA = "のはがをにでともからまでよりへ"


def sentences(language: str, rng: Random, count: int) -> list[str]:
    """Return so many sentences; those of one site hardly ever stand on another."""
    return [_sentence(language, rng) for _ in range(count)]


def paragraphs(language: str, rng: Random, count: int = 6) -> str:
    """Return paragraphs of markup."""
    return "".join(f"<p>{' '.join(sentences(language, rng, rng.randint(4, 7)))}</p>" for _ in range(count))


def _sentence(language: str, rng: Random) -> str:
    if language == "en":
        return " ".join(rng.choice(part) for part in _ENGLISH)
    if language in _UNSPACED:
        marks = _UNSPACED[language]
        if language == "th":
            return "".join(marks[place : place + 6] for place in (rng.randrange(len(marks) - 6) for _ in range(8)))
        joined = "".join(rng.choice(marks) + (rng.choice(_KANA) if language == "ja" else "") for _ in range(18))
        return f"{joined}。"
    words = rng.choices(_WORDS[language].split(), k=rng.randint(8, 14))
    return " ".join(words).capitalize() + "."
