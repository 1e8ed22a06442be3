"""Build the number table: beginnings of mainland mobile numbers → network, province, city.

    python tools/build_numbers.py FOLDER                 the table of the package
    python tools/build_numbers.py FOLDER --out FILE      another one

Places and networks come from the folder's newest `cn_mobile_prefix7_*.csv[.zst]` (columns prefix7,
province, city, postcode, area_code, carrier). libphonenumber's geocoding data, as the phonenumbers
package publishes it, gives cities their English names and fills gaps. Sources, versions and
licences of the packaged table: docs/numbers.md and NOTICE. `NumberTable.load(path)` reads another.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA

from assent.message import Network
from assent.numbers.segments import SEGMENT_NETWORK, SEGMENT_VIRTUAL, Name
from assent.numbers.table import FIRST_PREFIX, PREFIXES

PACKAGED = Path(__file__).parents[1] / "src" / "assent" / "data" / "numbers.npz"

PROVINCES = (
    Name("", ""),
    Name("北京", "Beijing"),
    Name("天津", "Tianjin"),
    Name("河北", "Hebei"),
    Name("山西", "Shanxi"),
    Name("内蒙古", "Inner Mongolia"),
    Name("辽宁", "Liaoning"),
    Name("吉林", "Jilin"),
    Name("黑龙江", "Heilongjiang"),
    Name("上海", "Shanghai"),
    Name("江苏", "Jiangsu"),
    Name("浙江", "Zhejiang"),
    Name("安徽", "Anhui"),
    Name("福建", "Fujian"),
    Name("江西", "Jiangxi"),
    Name("山东", "Shandong"),
    Name("河南", "Henan"),
    Name("湖北", "Hubei"),
    Name("湖南", "Hunan"),
    Name("广东", "Guangdong"),
    Name("广西", "Guangxi"),
    Name("海南", "Hainan"),
    Name("重庆", "Chongqing"),
    Name("四川", "Sichuan"),
    Name("贵州", "Guizhou"),
    Name("云南", "Yunnan"),
    Name("西藏", "Tibet"),
    Name("陕西", "Shaanxi"),
    Name("甘肃", "Gansu"),
    Name("青海", "Qinghai"),
    Name("宁夏", "Ningxia"),
    Name("新疆", "Xinjiang"),
)
"""In the order of the national codes (GB/T 2260), so that numbers given to them stay."""

_PROVINCE_NUMBER = {name.zh: number for number, name in enumerate(PROVINCES)}
_MUNICIPALITIES = frozenset({"北京", "天津", "上海", "重庆"})
_CITY_ENDINGS = ("市", "地区", "林区", "盟")
_NETWORKS = {
    "移动": Network.MOBILE,
    "联通": Network.UNICOM,
    "电信": Network.TELECOM,
    "广电": Network.BROADNET,
}
_CARRIER_FILE_KNOWS_BETTER = frozenset(range(1700, 1710)) | {1349}
"""Beginnings whose carriers prefix files get wrong and libphonenumber's carrier file right."""

_TOO_WIDE = frozenset({"173", "1784"})
"""Beginnings to which libphonenumber gives one city, while their numbers lie in all provinces:
against public prefix data 96 % and 94 % of them were in the wrong one."""


@dataclass
class Columns:
    """The table while it is being built; row n is the beginning FIRST_PREFIX + n."""

    network: np.ndarray = field(default_factory=lambda: SEGMENT_NETWORK[300:].repeat(1000))
    virtual: np.ndarray = field(default_factory=lambda: SEGMENT_VIRTUAL[300:].repeat(1000))
    province: np.ndarray = field(default_factory=lambda: np.zeros(PREFIXES, np.uint8))
    city: np.ndarray = field(default_factory=lambda: np.zeros(PREFIXES, np.uint16))
    cities: dict[tuple[str, str], int] = field(default_factory=lambda: {("", ""): 0})
    city_names: list[Name] = field(default_factory=lambda: [Name("", "")])

    def place(self, rows: slice | int, province: str, city: str, city_en: str = "") -> None:
        """Say where rows lie. A city gets its number when it is first seen."""
        number = self.cities.setdefault((province, city), len(self.cities))
        if number == len(self.city_names):
            self.city_names.append(Name(city, city_en))
        self.province[rows] = _PROVINCE_NUMBER[province]
        self.city[rows] = number


def split_place(zh: str, en: str) -> tuple[str, str, str]:
    """Split libphonenumber's names: 山东省济南市 → 山东, 济南, Jinan."""
    province = next(name.zh for name in PROVINCES[1:] if zh.startswith(name.zh))
    if province in _MUNICIPALITIES:
        return province, province, en
    city = short_city(zh.removeprefix(province).removeprefix("省"))
    return province, city, en.partition(",")[0]


def short_city(city: str) -> str:
    """Drop what kind of place it is: 济南市 → 济南, 兴安盟 → 兴安."""
    for ending in _CITY_ENDINGS:
        if city.endswith(ending) and len(city) - len(ending) >= 2:
            return city.removesuffix(ending)
    return city


def add_libphonenumber(columns: Columns) -> None:
    """Lay libphonenumber's places over the table, short beginnings first."""
    for beginning in sorted(GEOCODE_DATA, key=lambda digits: (len(digits), digits)):
        prefix = beginning.removeprefix("86")
        # 8610 is Beijing's area code, and mobile numbers begin with 13 to 19.
        if not (beginning.startswith("861") and prefix[1:2] >= "3") or prefix in _TOO_WIDE:
            continue
        width = 10 ** (7 - len(prefix))
        first = int(prefix) * width - FIRST_PREFIX
        names = GEOCODE_DATA[beginning]
        columns.place(slice(first, first + width), *split_place(names["zh"], names["en"]))


def add_prefix_file(columns: Columns, rows: Iterable[dict[str, str]]) -> None:
    """Lay a prefix file over the table; its errors that are known are mended on the way."""
    known = known_cities(columns)
    for row in rows:
        index = int(row["prefix7"]) - FIRST_PREFIX
        place = row["province"], short_city(row["city"])
        city, english = known.get(place, (place[1], place[1]))
        columns.place(index, row["province"], city, english)
        carrier = row["carrier"]
        network = _NETWORKS.get(carrier.removesuffix("虚拟"))
        if carrier.endswith("虚拟") and columns.network[index] == Network.UNKNOWN:
            columns.virtual[index] = True
        elif carrier.endswith("虚拟") or int(row["prefix7"][:4]) in _CARRIER_FILE_KNOWS_BETTER:
            # Which network a reseller rides on is where prefix files err most (1703, 1705, 1706
            # and 1349 are China Mobile's, and given as China Telecom's): the beginning decides.
            continue
        if network is not None:  # 未知 in the file says less than the beginning does
            columns.network[index] = network


def drop_empty_cities(columns: Columns) -> None:
    """Drop cities that have no beginning any more, and number the others again."""
    used, columns.city = np.unique(np.append(columns.city, 0), return_inverse=True)
    columns.city = columns.city[:-1].astype(np.uint16)
    columns.city_names = [columns.city_names[number] for number in used.tolist()]
    places = list(columns.cities)
    columns.cities = {places[number]: row for row, number in enumerate(used.tolist())}


def known_cities(columns: Columns) -> dict[tuple[str, str], Name]:
    """Return the names that libphonenumber gives to (province, short name).

    Its fixed-line area codes know some cities that its mobile beginnings do not. Prefectures go
    by short names in prefix files: 凉山 for 凉山彝族自治州.
    """
    known = {place: columns.city_names[number] for place, number in columns.cities.items()}
    for beginning, names in GEOCODE_DATA.items():
        if beginning.startswith("86") and {"zh", "en"} <= names.keys():
            province, city, english = split_place(names["zh"], names["en"])
            known.setdefault((province, city), Name(city, english))
    for (province, city), name in list(known.items()):
        if city.endswith("州") and len(city) > 4:
            for size in (2, 3, 4):
                known.setdefault((province, city[:size]), name)
    return known


def newest_prefix_file(folder: Path) -> Path:
    """Return the folder's newest prefix file, by the month in its name."""
    files = sorted(folder.glob("cn_mobile_prefix7_*.csv*"))
    if not files:
        raise SystemExit(f"no cn_mobile_prefix7_*.csv or .csv.zst in {folder}")
    return files[-1]


def read_prefix_file(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a prefix file, compressed or not."""
    content = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard  # a development dependency, needed for compressed sources only

        content = zstandard.ZstdDecompressor().stream_reader(content).read()
    yield from csv.DictReader(io.StringIO(content.decode()))


def build(folder: Path) -> tuple[Columns, str]:
    """Return the finished columns and a line that says where they come from."""
    columns = Columns()
    add_libphonenumber(columns)
    file = newest_prefix_file(folder)
    add_prefix_file(columns, read_prefix_file(file))
    drop_empty_cities(columns)
    return columns, f"{file.name}; libphonenumber, by phonenumbers {phonenumbers.__version__}"


def write(columns: Columns, source: str, path: Path) -> None:
    """Write the table; the same columns give the same octets with the same zlib."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        network=columns.network,
        virtual=columns.virtual,
        province=columns.province,
        city=columns.city,
        provinces=np.array(PROVINCES),
        cities=np.array(columns.city_names),
        source=np.array(source),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the number table.")
    parser.add_argument("folder", type=Path, help="folder with a prefix file")
    parser.add_argument(
        "--out", type=Path, default=PACKAGED, help="where to write (the package's table)"
    )
    arguments = parser.parse_args()
    path: Path = arguments.out
    columns, source = build(arguments.folder)
    write(columns, source, path)
    print(
        f"{path}: {path.stat().st_size} octets, {int((columns.province > 0).sum())} beginnings "
        f"with a province, {len(columns.city_names) - 1} cities, from {source}"
    )


if __name__ == "__main__":
    main()
