package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// reportsPage is GET /staff/reports.
func (s *server) reportsPage(c echo.Context) error { return s.showReports(c, nil, "", "") }

// reportFile is GET /staff/reports/{name}: isaf.xml?month=, oss.csv?quarter= and
// oss-corrections.csv?quarter=.
func (s *server) reportFile(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	kind, field := app.ReportKind(""), "quarter"
	switch c.Param("name") {
	case "isaf.xml":
		kind, field = app.ReportISAF, "month"
	case "oss.csv":
		kind = app.ReportOSS
	case "oss-corrections.csv":
		kind = app.ReportOSSCorrections
	default:
		return fault.Missing("report")
	}
	period := values.Get(field)
	file, err := s.app.Report(c.Request().Context(), s.actor(c), kind, period)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return s.showReports(c, err, field, period)
	} else if err != nil {
		return err
	}
	return sendFile(c, file)
}

// showReports shows the page; after a mistake with what was chosen in a field.
func (s *server) showReports(c echo.Context, mistake error, field, chosen string) error {
	periods, err := s.app.Reports(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page := views.StaffReportsPage{Page: s.page(c)}
	for _, m := range periods.Months {
		page.Months = append(page.Months, views.Choice{Value: m.String()[:7], Text: page.T.MonthYear(m.Year, m.Month)})
	}
	for _, q := range periods.Quarters {
		page.Quarters = append(page.Quarters, views.Choice{Value: q.String(), Text: q.String()})
	}
	switch field {
	case "month":
		page.Month = chosen
	case "quarter":
		page.Quarter = chosen
	}
	status := http.StatusOK
	if mistake != nil {
		s.log.Warn("a report was not made", "id", requestID(c.Request().Context()), "error", mistake)
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, field)
	}
	return s.render(c, status, views.StaffReports(page))
}
