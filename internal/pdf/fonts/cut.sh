#!/bin/sh
# Cuts the fonts of the documents from Debian packages. Run in this directory:
#
#   apt-get install fonttools fonts-inter-variable fonts-dejavu-core fonts-droid-fallback
#   ./cut.sh
#
# The same packages give the same bytes. README.md says where they come from.
set -eu
cd "$(dirname "$0")"
export SOURCE_DATE_EPOCH=1767225600 # the dates inside the fonts
share=${SHARE:-/usr/share}
python=${PYTHON:-/usr/bin/python3} # the one fonttools is installed for
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No hinting (fpdf copies those tables into every document), no layout tables
# (fpdf reads none), the licence and the copyright kept in the name table.
cut() { # source, unicodes or @file, target
	case $2 in
	@*) chosen=--unicodes-file=${2#@} ;;
	*) chosen=--unicodes=$2 ;;
	esac
	"$python" -m fontTools.subset "$1" "$chosen" --output-file="$3" \
		--no-hinting --layout-features= --no-layout-closure --notdef-outline \
		--drop-tables+=GSUB,GPOS,GDEF,BASE,STAT,FFTM,kern,gasp,DSIG,MVAR,HVAR,avar,vhea,vmtx,VORG,MATH \
		--name-IDs=0,1,2,4,6,13,14 --name-languages=0x409 \
		--no-glyph-names --no-legacy-cmap --no-symbol-cmap
}

# Inter: one weight of the variable font at a time; figures of one width under
# the ordinary digits (its feature tnum), so that columns of money line up; a
# U+FFFD, which it lacks, drawn like its white square.
inter() { # weight, name of the weight, target
	"$python" - "$share/fonts/truetype/inter-vf/Inter-roman.var.ttf" "$work/$3" "$1" "$2" <<'PY'
import sys
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem
from fontTools.varLib import instancer

source, target, weight, style = sys.argv[1:]
font = instancer.instantiateVariableFont(TTFont(source), {"wght": float(weight)})
tabular = {}
for record in font["GSUB"].table.FeatureList.FeatureRecord:
    if record.FeatureTag == "tnum":
        for index in record.Feature.LookupListIndex:
            for table in font["GSUB"].table.LookupList.Lookup[index].SubTable:
                tabular.update(getattr(table, "ExtSubTable", table).mapping)
for table in font["cmap"].tables:
    if table.isUnicode():
        for digit in range(0x30, 0x3A):
            table.cmap[digit] = tabular.get(table.cmap[digit], table.cmap[digit])
        table.cmap[0xFFFD] = table.cmap[0x25A1]
scale_upem(font, 1000)
for digit in range(0x30, 0x3A):  # rounding made the 4 a unit narrower
    zero, name = font.getBestCmap()[0x30], font.getBestCmap()[digit]
    font["hmtx"][name] = (font["hmtx"][zero][0], font["hmtx"][name][1])
for record in font["name"].names:
    if record.nameID in (2, 4, 6):
        record.string = {2: style, 4: "Inter " + style, 6: "Inter-" + style}[record.nameID]
font["OS/2"].usWeightClass = int(weight)
font.save(target)
PY
	cut "$work/$3" "$common" "$3"
}
common=0020-007E,00A0-0148,014A-024F,0250-02AF,02B0-02FF,0300-036F,0370-03FF,0400-052F,1E00-1EFF,2002-200A,2010-2027,202F-205F,2070-209F,20A0-20C0,2113,2116,2122,2126,2190-2193,2212,2215,2219,221E,2248,2260,2264,2265,25A1,25CF,FB00-FB04,FFFD
inter 400 Regular inter-regular.ttf
inter 600 SemiBold inter-semibold.ttf

# DejaVu Sans: the alphabets that Inter lacks, the joined forms of Arabic
# (shape.go picks them), and signs.
cut "$share/fonts/truetype/dejavu/DejaVuSans.ttf" \
	0020-007E,0530-058F,0590-05FF,0600-06FF,0750-077F,10A0-10FF,1F00-1FFF,2070-209F,2100-218F,2190-21FF,2200-22FF,2300-23FF,2460-24FF,25A0-25FF,2600-27BF,2D00-2D2F,FB13-FB17,FB1D-FB4F,FB50-FDFF,FE70-FEFC \
	dejavu-sans.ttf

# Droid Sans Fallback: the characters of GB 2312, the first levels of Big5 and
# JIS X 0208, and the syllables of KS X 1001.
"$python" - >"$work/cjk.txt" <<'PY'
chosen = set(range(0x3000, 0x3040)) | set(range(0x3040, 0x3100)) | set(range(0xFF01, 0xFF9F))
def add(codec, rows, columns, first=0x3400):
    for row in rows:
        for column in columns:
            try:
                char = bytes([row, column]).decode(codec)
            except UnicodeDecodeError:
                continue
            if len(char) == 1 and first <= ord(char) < 0x10000:
                chosen.add(ord(char))
add("gb2312", range(0xB0, 0xF8), range(0xA1, 0xFF))
add("big5", range(0xA4, 0xC7), range(0x40, 0xFF))
add("euc_jp", range(0xB0, 0xD0), range(0xA1, 0xFF))
add("euc_kr", range(0xB0, 0xC9), range(0xA1, 0xFF))
print("\n".join("%04X" % c for c in sorted(chosen)))
PY
cut "$share/fonts-droid-fallback/truetype/DroidSansFallback.ttf" "@$work/cjk.txt" droid-fallback.ttf
sha256sum *.ttf
