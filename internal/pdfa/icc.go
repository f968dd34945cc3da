package pdfa

import (
	"bytes"
	"crypto/md5" //nolint:gosec // ICC.1:2004-10, 7.2.18 wants it as the identifier of a profile
	"encoding/binary"
	"sync"
	"unicode/utf16"
)

// sRGB returns an ICC profile of the colours that our pages are drawn in (IEC
// 61966-2-1), written here: a display profile of ICC.1:2004-10 (4.2), the version
// that PDF 1.7 knows, whose five numbers of a parametric curve are the standard's
// own formula. It is half a kilobyte where published profiles have three.
var sRGB = sync.OnceValue(func() []byte {
	fixed := func(values ...int32) []byte { // s15Fixed16Number
		var b []byte
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		}
		return b
	}
	typed := func(signature string, data []byte) []byte {
		return append([]byte(signature+"\x00\x00\x00\x00"), data...)
	}
	words := func(s string) []byte { // multiLocalizedUnicodeType of one record, American English
		b := []byte{0, 0, 0, 1, 0, 0, 0, 12, 'e', 'n', 'U', 'S'}
		b = binary.BigEndian.AppendUint32(b, uint32(2*len(s)))
		b = binary.BigEndian.AppendUint32(b, 28)
		for _, unit := range utf16.Encode([]rune(s)) {
			b = binary.BigEndian.AppendUint16(b, unit)
		}
		return typed("mluc", b)
	}
	xyz := func(x, y, z int32) []byte { return typed("XYZ ", fixed(x, y, z)) }
	curve := typed("para", append([]byte{0, 3, 0, 0}, // Y = (aX+b)^g from d on, cX below
		fixed(0x00026666, 0x0000F2A7, 0x00000D59, 0x000013D0, 0x00000A5B)...)) // g 2.4, a 1/1.055, b 0.055/1.055, c 1/12.92, d 0.04045
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", words("sRGB IEC61966-2.1")},
		{"cprt", words("No copyright, use freely")},
		{"wtpt", xyz(0xF6D6, 0x10000, 0xD32D)}, // D50, as profiles are connected by it
		{"chad", typed("sf32", fixed(0x10C42, 0x5DE, -0xCDB, 0x793, 0xFD90, -0x45F, -0x25E, 0x3DC, 0xC06E))},
		{"rXYZ", xyz(0x6FA2, 0x38F5, 0x0390)}, // the primaries of ITU-R BT.709, by Bradford's matrix to D50
		{"gXYZ", xyz(0x6299, 0xB785, 0x18DA)},
		{"bXYZ", xyz(0x24A0, 0x0F84, 0xB6CF)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	var table, data []byte
	table = binary.BigEndian.AppendUint32(table, uint32(len(tags)))
	first := 128 + 4 + 12*len(tags)
	at := map[string]int{} // equal data is written once
	for _, t := range tags {
		offset, known := at[string(t.data)]
		if !known {
			offset = first + len(data)
			at[string(t.data)] = offset
			data = append(data, t.data...)
			data = append(data, make([]byte, -len(data)&3)...)
		}
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(offset))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
	}
	header := make([]byte, 128)
	binary.BigEndian.PutUint32(header, uint32(first+len(data)))
	copy(header[8:], "\x04\x20\x00\x00mntrRGB XYZ ")
	copy(header[24:], []byte{7, 234, 0, 1, 0, 1}) // 1 January 2026
	copy(header[36:], "acsp")
	copy(header[68:], fixed(0xF6D6, 0x10000, 0xD32D))
	profile := bytes.Join([][]byte{header, table, data}, nil)
	sum := md5.Sum(profile) //nolint:gosec // flags, intent and the identifier itself are nought here, as the standard wants
	copy(profile[84:], sum[:])
	return profile
})
