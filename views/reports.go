package views

// StaffReportsPage is GET /staff/reports, and what a refused report shows.
type StaffReportsPage struct {
	Page
	Months   []Choice // "2026-11", the newest first
	Quarters []Choice // "2026Q4"
	Month    string   // chosen; empty for the newest
	Quarter  string   // likewise
	Errors   Errors
}
