package views

// VerifyPage is GET and POST /verify, with the fields "number", "date" and
// "total" as typed.
type VerifyPage struct {
	Page
	Number  string
	Date    string
	Total   string
	Verdict string // genuine, corrected, unknown; empty before anything is asked
	Errors  Errors
}

func verdictColour(verdict string) string {
	switch verdict {
	case "genuine":
		return "ok"
	case "corrected":
		return "wait"
	}
	return "bad"
}
