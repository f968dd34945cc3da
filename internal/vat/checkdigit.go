package vat

import "strings"

// The functions here see only numbers that the pattern of their country matches.

// weighted returns the sum of the first digits of s, each times its weight.
func weighted(s string, weights ...int) int {
	total := 0
	for i, w := range weights {
		total += w * digit(s[i])
	}
	return total
}

func digit(c byte) int { return int(c - '0') }

// number reads up to 18 digits.
func number(s string) int {
	n := 0
	for _, c := range []byte(s) {
		n = n*10 + digit(c)
	}
	return n
}

// divisible checks that the weighted sum is a multiple of modulus.
func divisible(modulus int, weights ...int) func(string) bool {
	return func(s string) bool { return weighted(s, weights...)%modulus == 0 }
}

// luhn is the check of ISO/IEC 7812: every second digit from the right counts
// twice, as the sum of its digits.
func luhn(s string) bool {
	total := 0
	for i := range len(s) {
		d := digit(s[len(s)-1-i])
		if i%2 == 1 {
			d = 2*d/10 + 2*d%10
		}
		total += d
	}
	return total%10 == 0
}

// mod11and10 is the hybrid check of ISO 7064, MOD 11,10.
func mod11and10(s string) bool {
	product := 10
	for _, c := range []byte(s[:len(s)-1]) {
		sum := (digit(c) + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return (product+digit(s[len(s)-1]))%10 == 1
}

// checkAT: a Luhn check over the seven digits, shifted by 4.
func checkAT(s string) bool {
	total := 4
	for i, c := range []byte(s[1:8]) {
		d := digit(c)
		if i%2 == 1 {
			d = 2*d/10 + 2*d%10
		}
		total += d
	}
	return (10-total%10)%10 == digit(s[8])
}

func checkBE(s string) bool { return number(s[8:]) == 97-number(s[:8])%97 }

func checkBG(s string) bool {
	if len(s) == 10 { // a person
		return true
	}
	r := weighted(s, 1, 2, 3, 4, 5, 6, 7, 8) % 11
	if r == 10 {
		r = weighted(s, 3, 4, 5, 6, 7, 8, 9, 10) % 11
	}
	return r%10 == digit(s[8])
}

func checkCY(s string) bool {
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}
	total := 0
	for i, c := range []byte(s[:8]) {
		if i%2 == 0 {
			total += odd[digit(c)]
		} else {
			total += digit(c)
		}
	}
	return 'A'+byte(total%26) == s[8]
}

func checkCZ(s string) bool {
	if len(s) != 8 { // a person
		return true
	}
	r := (11 - weighted(s, 8, 7, 6, 5, 4, 3, 2)%11) % 11
	switch r {
	case 0:
		r = 1
	case 10:
		r = 0
	}
	return s[0] != '9' && r == digit(s[7])
}

func checkEL(s string) bool {
	return weighted(s, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == digit(s[8])
}

func checkES(s string) bool {
	last := s[8]
	if strings.IndexByte("ABCDEFGHJNPQRSUVW", s[0]) >= 0 {
		for d := byte('0'); d <= '9'; d++ {
			if luhn(s[1:8] + string(d)) {
				return last == d || last == "JABCDEFGHI"[d-'0']
			}
		}
	}
	// A foreigner's X, Y, Z stand for a leading 0, 1, 2; K, L, M for nothing.
	n := number(s[1:8])
	switch c := s[0]; {
	case c >= 'X':
		n += int(c-'X') * 10_000_000
	case c <= '9':
		n += digit(c) * 10_000_000
	}
	return last == "TRWAGMYFPDXBNJZSQVHLCKE"[n%23]
}

func checkFR(s string) bool {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	company := s[2:] // the SIREN, or a number of Monaco, which starts 000
	if company[:3] != "000" && !luhn(company) {
		return false
	}
	siren := number(company)
	a, b := strings.IndexByte(alphabet, s[0]), strings.IndexByte(alphabet, s[1])
	if a < 10 && b < 10 {
		return a*10+b == (12+3*(siren%97))%97
	}
	key := a*34 + b - 100
	if a < 10 {
		key = a*24 + b - 10
	}
	return (siren+1+key/11)%11 == key%11
}

func checkIE(s string) bool {
	const letters = "WABCDEFGHIJKLMNOPQRSTUV"
	digits := s[:7]
	if s[1] < '0' || s[1] > '9' { // the form before 1991
		digits = "0" + s[2:7] + s[:1]
	}
	total := weighted(digits, 8, 7, 6, 5, 4, 3, 2)
	if len(s) == 9 {
		total += 9 * strings.IndexByte(letters, s[8])
	}
	return letters[total%23] == s[7]
}

// checkIT: the digits 8 to 10 are the province's office.
func checkIT(s string) bool {
	office := number(s[7:10])
	known := office >= 1 && office <= 100 || office == 120 || office == 121 || office == 888 || office == 999
	return known && number(s[:7]) != 0 && luhn(s)
}

func checkLT(s string) bool {
	if s[len(s)-2] != '1' {
		return false
	}
	r := weighted(s, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2}[:len(s)-1]...) % 11
	if r == 10 {
		r = weighted(s, []int{3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4}[:len(s)-1]...) % 11 % 10
	}
	return r == digit(s[len(s)-1])
}

func checkLU(s string) bool { return number(s[6:]) == number(s[:6])%89 }

func checkLV(s string) bool {
	return s[0] <= '3' || // a person
		weighted(s, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)%11 == 3
}

func checkMT(s string) bool { return number(s[6:]) == 37-weighted(s, 3, 4, 6, 7, 8, 9)%37 }

// checkNL: numbers since 2020 follow MOD 97 over the whole text instead.
func checkNL(s string) bool {
	if (weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)-digit(s[8]))%11 == 0 {
		return true
	}
	r := 0
	for _, c := range []byte("NL" + s) {
		if c >= 'A' {
			r = (r*100 + int(c-'A') + 10) % 97
		} else {
			r = (r*10 + digit(c)) % 97
		}
	}
	return r == 1
}

func checkPL(s string) bool { return weighted(s, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == digit(s[9]) }

func checkPT(s string) bool {
	r := 11 - weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)%11
	if r > 9 {
		r = 0
	}
	return r == digit(s[8])
}

func checkRO(s string) bool {
	s = strings.Repeat("0", 10-len(s)) + s
	return weighted(s, 7, 5, 3, 2, 1, 7, 5, 3, 2)*10%11%10 == digit(s[9])
}

func checkSE(s string) bool { return luhn(s[:10]) }

func checkSI(s string) bool {
	r := 11 - weighted(s, 8, 7, 6, 5, 4, 3, 2)%11
	if r == 10 {
		r = 0
	}
	return r == digit(s[7]) // never for 11
}

func checkSK(s string) bool { return number(s)%11 == 0 }

// checkGB: nine digits, with three more for a branch; government departments
// (GD) and health authorities (HA) have no check digit.
func checkGB(s string) bool {
	if s[0] > '9' {
		return true
	}
	r := (weighted(s, 8, 7, 6, 5, 4, 3, 2) + number(s[7:9])) % 97
	return r == 0 || s[0] != '0' && (r == 42 || r == 55)
}

func checkCH(s string) bool {
	r := 11 - weighted(s, 5, 4, 3, 2, 7, 6, 5, 4)%11
	if r == 11 {
		r = 0
	}
	return r == digit(s[8]) // never for 10
}
