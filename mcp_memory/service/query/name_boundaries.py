"""Where a name ends in a script without spaces: what follows may make it another name.

李伟 is not 李伟明, and 星火 not 星火二号; but 李伟明天来 is of 李伟, who comes tomorrow.
"""

from __future__ import annotations

import re

_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓冯馮邓鄧曹彭曾"
    "肖田董袁潘于蒋蔣蔡余杜叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鍾谭譚陆陸汪范金石廖贾賈夏韦韋付方白邹鄒"
    "孟熊秦邱江尹薛闫閻段雷侯龙龍史陶黎贺賀顾顧毛郝龚龔邵万萬钱錢严嚴覃武戴莫孔向汤湯"
)
_GIVEN = frozenset(
    "明华華强強军軍平东東文国國民杰傑涛濤超辉輝刚剛健峰磊鹏鵬飞飛龙龍林波斌宇浩凯凱鑫亮伟偉芳娜敏静靜"
    "丽麗艳艷娟霞秀英玲桂兰蘭红紅梅琴云雲莉玉洁潔雪婷慧欣怡佳琪思雨晨阳陽建志宏海涵轩軒博睿泽澤子俊"
    "豪嘉诗詩梦夢瑶瑤颖穎倩萍燕珍瑞祥福春生荣榮德成光永世良新"
)
"""Characters with which a given name commonly ends."""
_WORDS_SAID = (
    "明天 明年 明日 明早 明晚 明确 明白 明明 平时 平常"
    " 平均 平台 国家 国内 国外 国际 文件 文档 文章 东西"
    " 超过 超级 健康 健身 飞机 飞往 飞到 波动 英语 英文"
    " 英国 红色 红酒 玉米 思考 雨天 雪山 云端 云南 海外"
    " 海边 新的 新来 新买 生日 生活 生气 生病 成为 成功"
    " 成立 建议 建立 世界 光是 永远 春天 春节 子女 子公"
    " 志愿 博士 强调 强烈 军队 民族 福利 良好 德国 德语"
    " 静静 敏感 林业 龙年 阳台 阳光 晨跑 佳能 東西 國家"
    " 國內 國外 超過 飛機 飛往 英國 紅色 建議 強調 雲端"
    " 陽光 陽台"
)
_WORDS = frozenset(_WORDS_SAID.split())
"""Words that begin with such a character, and end a name before them."""
_SEQUEL = re.compile(r"[0-9]|[一二三四五六七八九十]+[号號代期版型]|v\d", re.IGNORECASE)


def goes_on(name: str, text: str, end: int) -> bool:
    """Whether a name that stands in a text, and ends at `end`, is part of a longer one there."""
    following = text[end : end + 2]
    if _SEQUEL.match(text, end):
        return True
    is_person = len(name) == 2 and name[0] in _SURNAMES
    return is_person and following[:1] in _GIVEN and following not in _WORDS
