package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// route is one line of the table of all routes.
type route struct {
	Method  string
	Path    string
	Guard   guard
	Handler echo.HandlerFunc
	Name    string
}

// routes lists every route that exists. A GET route answers HEAD as well.
func (s *server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/", public, s.homePage, "home"},
		{get, "/plans", public, s.plansPage, "plans"},
		{get, "/plans/:plan", public, s.calculatorPage, "calculator"},
		{get, "/help", public, s.helpPage, "help"},
		{get, "/seller", public, s.sellerPage, "seller"},
		{get, "/verify", public, s.verifyPage, "verify"},
		{post, "/verify", public, s.verifyDocument, "verify-check"},
		{get, "/privacy", public, s.privacyPage, "privacy"},
		{get, "/accessibility", public, s.accessibilityPage, "accessibility"},

		{get, "/login", public, s.loginPage, "login"},
		{get, "/login/telegram", public, s.loginTelegram, "login-telegram"},
		{get, "/login/email", public, s.emailSignInPage, "login-email"},
		{post, "/login/email", public, s.askSignInLink, "login-email-ask"},
		{get, "/login/email/sent", public, s.emailSentPage, "login-email-sent"},
		{get, "/login/link", public, s.signInLinkPage, "login-link"},
		{post, "/login/link", public, s.signInByLink, "login-link-use"},
		{post, "/login/demo", public, s.loginDemo, "login-demo"},
		{post, "/demo/clock", public, s.advanceDemo, "demo-clock"},
		{post, "/logout", public, s.logout, "logout"},

		{post, "/orders", signedIn, s.placeOrder, "order-place"},
		{get, "/orders/:number", signedIn, s.orderPage, "order"},
		{post, "/orders/:number/cancel", signedIn, s.cancelOrder, "order-cancel"},
		{get, "/orders/:number/bank-invoice.pdf", signedIn, s.bankInvoiceFile, "bank-invoice"},
		{post, "/orders/:number/method", signedIn, s.chooseMethod, "order-method"},
		{post, "/orders/:number/pay", signedIn, s.payOrder, "order-pay"},
		{post, "/orders/:number/pay-from-balance", signedIn, s.payOrderFromBalance, "order-pay-from-balance"},
		{get, "/orders/:number/payment", signedIn, s.orderPaymentPage, "order-payment"},

		{get, "/subscriptions", signedIn, s.subscriptionsPage, "subscriptions"},
		{get, "/subscriptions/:id", signedIn, s.subscriptionPage, "subscription"},
		{post, "/subscriptions/:id/auto-renew/off", signedIn, s.turnAutoRenewOff, "auto-renew-off"},
		{post, "/subscriptions/:id/auto-renew/on", signedIn, s.turnAutoRenewOn, "auto-renew-on"},
		{post, "/subscriptions/:id/renew", signedIn, s.renewSubscription, "subscription-renew"},
		{get, "/subscriptions/:id/change", signedIn, s.changePage, "subscription-change"},
		{post, "/subscriptions/:id/change", signedIn, s.changeOptions, "subscription-change-make"},
		{get, "/subscriptions/:id/withdraw", signedIn, s.withdrawalPage, "withdrawal"},
		{post, "/subscriptions/:id/withdraw", signedIn, s.withdraw, "withdraw"},
		{get, "/withdrawals/:id", signedIn, s.withdrawnPage, "withdrawn"},

		{get, "/invoices", signedIn, s.invoicesPage, "invoices"},
		{get, exportPath, signedIn, s.exportFile, "invoices-export"},
		{get, "/invoices/:number", signedIn, s.invoicePage, "invoice"}, // and its files (.pdf, .xml, .ubl.xml): Echo takes no suffix after a parameter

		{get, "/billing", signedIn, s.billingPage, "billing"},
		{post, "/billing", signedIn, s.saveBilling, "billing-save"},
		{get, "/billing/methods", signedIn, s.cardsPage, "cards"},
		{post, "/billing/methods/:id/revoke", signedIn, s.revokeCard, "card-revoke"},

		{get, "/billing/keys", signedIn, s.keysPage, "keys"},
		{post, "/billing/keys", signedIn, s.makeKey, "key-make"},
		{post, "/billing/keys/:id/revoke", signedIn, s.revokeKey, "key-revoke"},

		{get, "/billing/members", signedIn, s.peoplePage, "people"},
		{post, "/billing/members", signedIn, s.inviteAccountant, "people-invite"},
		{post, "/billing/members/:id/revoke", signedIn, s.revokeMember, "people-revoke"},
		{post, "/billing/members/invitations/:id/again", signedIn, s.inviteAgain, "invitation-again"},
		{post, "/billing/members/invitations/:id/revoke", signedIn, s.revokeInvitation, "invitation-revoke"},
		{get, "/billing/views", signedIn, s.viewLogPage, "view-log"},
		{get, "/billing/recipients", signedIn, s.recipientsPage, "recipients"},
		{post, "/billing/recipients", signedIn, s.addRecipient, "recipient-add"},
		{post, "/billing/recipients/:id", signedIn, s.saveRecipient, "recipient-save"},
		{post, "/billing/recipients/:id/again", signedIn, s.askRecipientAgain, "recipient-again"},
		{post, "/billing/recipients/:id/remove", signedIn, s.removeRecipient, "recipient-remove"},
		{post, "/billing/sent/:id/again", signedIn, s.sendDocumentAgain, "sent-again"},
		{get, "/recipients/confirm", public, s.confirmRecipientPage, "recipient-confirm"},
		{post, "/recipients/confirm", public, s.confirmRecipient, "recipient-confirm-yes"},
		{get, "/recipients/stop", public, s.stopRecipientPage, "recipient-stop"},
		{post, "/recipients/stop", public, s.stopRecipient, "recipient-stop-yes"},

		{get, "/balance", signedIn, s.balancePage, "balance"},
		{get, "/balance/receipts/:number", signedIn, s.receiptFile, "receipt"}, // with .pdf: Echo takes no suffix after a parameter
		{post, "/balance/top-up", signedIn, s.topUp, "top-up"},
		{get, "/balance/payment", signedIn, s.topUpPaymentPage, "top-up-payment"},
		{get, "/statement", signedIn, s.statementPage, "statement"},
		{get, "/statement.pdf", signedIn, s.statementFile, "statement-file"},

		{get, "/notices", signedIn, s.noticesPage, "notices"},

		{get, "/account", signedIn, s.accountPage, "account"},
		{post, "/account", signedIn, s.saveAccount, "account-save"},
		{post, "/account/sessions/end", signedIn, s.endSession, "session-end"},
		{post, "/account/sessions/end-others", signedIn, s.endOtherSessions, "sessions-end"},

		{get, "/requests", signedIn, s.requestsPage, "requests"},
		{get, "/requests/new/refund", signedIn, s.refundForm, "refund"},
		{post, "/requests/new/refund", signedIn, s.askRefund, "refund-ask"},
		{get, "/requests/new/correction", signedIn, s.correctionForm, "correction"},
		{post, "/requests/new/correction", signedIn, s.correctInvoice, "correction-make"},
		{post, "/requests/:id/withdraw", signedIn, s.withdrawRequest, "request-withdraw"},

		{get, "/staff", staffOnly, s.staffHomePage, "staff"},
		{get, "/staff/payments", staffOnly, s.staffPaymentsPage, "staff-payments"},
		{get, "/staff/payments/:id", staffOnly, s.staffPaymentPage, "staff-payment"},
		{get, "/staff/vat", staffOnly, s.staffVATPage, "staff-vat"},
		{post, "/staff/vat/correct", staffOnly, s.askVATCorrection, "staff-vat-correct"},
		{get, "/staff/refunds", staffOnly, s.staffRefundsPage, "staff-refunds"},
		{get, "/staff/refunds/:id", staffOnly, s.staffRefundPage, "staff-refund"},
		{post, "/staff/refunds/:id/approve", staffOnly, s.approveRefund, "staff-refund-approve"},
		{post, "/staff/refunds/:id/reject", staffOnly, s.rejectRefund, "staff-refund-reject"},
		{get, "/staff/payouts", staffOnly, s.staffPayoutsPage, "staff-payouts"},
		{get, "/staff/payouts/:id", staffOnly, s.staffPayoutPage, "staff-payout"},
		{post, "/staff/payouts/:id/sent", staffOnly, s.confirmPayout, "staff-payout-sent"},
		{post, "/staff/payouts/:id/failed", staffOnly, s.failPayout, "staff-payout-failed"},
		{get, "/staff/corrections", staffOnly, s.staffCorrectionsPage, "staff-corrections"},
		{get, "/staff/corrections/:id", staffOnly, s.staffCorrectionPage, "staff-correction"},
		{post, "/staff/corrections/:id/approve", staffOnly, s.approveCorrection, "staff-correction-approve"},
		{post, "/staff/corrections/:id/reject", staffOnly, s.rejectCorrection, "staff-correction-reject"},

		{get, "/staff/reports", staffOnly, s.reportsPage, "staff-reports"},
		{get, "/staff/reports/:name", staffOnly, s.reportFile, "staff-report"},

		{get, apiDescriptor, bare, s.describeAPI, "api"},
		{get, apiInvoices, keyed, s.listForPrograms, "api-invoices"},
		{get, apiInvoices + "/:id", keyed, s.oneForPrograms, "api-invoice"}, // and its files

		{get, "/staff/suspense", staffOnly, s.staffSuspensePage, "staff-suspense"},
		{get, "/staff/suspense/:id", staffOnly, s.staffSuspenseEntryPage, "staff-suspense-entry"},
		{post, "/staff/suspense/:id/decide", staffOnly, s.decideSuspense, "staff-suspense-decide"},
		{post, "/staff/suspense/:id/approve", staffOnly, s.approveSuspense, "staff-suspense-approve"},
		{post, "/staff/suspense/:id/refuse", staffOnly, s.refuseSuspense, "staff-suspense-refuse"},
		{post, "/staff/suspense/:id/sent", staffOnly, s.confirmReturn, "staff-suspense-sent"},
		{get, "/staff/statements", staffOnly, s.staffStatementsPage, "staff-statements"},
		{post, statementsPath, staffOnly, s.uploadStatement, "staff-statement-upload"},
		{get, "/staff/statements/:id", staffOnly, s.staffStatementPage, "staff-statement"},
		{post, "/staff/statements/:id/import", staffOnly, s.bookStatement, "staff-statement-import"},

		{post, "/webhooks/:provider", bare, s.webhook, "webhook"},

		{get, "/healthz", bare, s.healthz, "healthz"},
		{get, "/readyz", bare, s.readyz, "readyz"},
		{get, "/static/*", bare, s.static, "static"},
		{get, "/favicon.ico", bare, s.favicon, "favicon"},
	}
}

// register hands the table to Echo.
func (s *server) register() {
	s.targets = map[string]bool{}
	for _, r := range s.routes() {
		h := s.guarded(r)
		s.echo.Add(r.Method, r.Path, h)
		if r.Method == http.MethodGet {
			s.echo.Add(http.MethodHead, r.Path, h)
			s.targets[r.Path] = r.Guard != bare && r.Guard != keyed && !strings.HasPrefix(r.Name, "login") && !strings.HasPrefix(r.Path, "/recipients/")
		}
	}
}
