package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/siptg/portal/docs"
)

// Config is the whole configuration. The tags name the variables; a Secret can
// also stand in a file that <variable>_FILE names.
type Config struct {
	Mode        Mode    `env:"PORTAL_MODE" envDefault:"production"`
	DatabaseURL Secret  `env:"DATABASE_URL"`                            // empty: the program's own PostgreSQL in DataDir
	Addr        Address `env:"PORTAL_ADDR" envDefault:"127.0.0.1:8080"` // where the portal listens
	MetricsAddr Address `env:"PORTAL_METRICS_ADDR"`                     // where Prometheus and pprof answer; empty: nowhere

	// PublicURL is the address people see. Unset it is http:// and Addr; with port
	// 0 there it stays empty, because the port is known only after listening.
	PublicURL Origin         `env:"PORTAL_PUBLIC_URL"`
	DataDir   string         `env:"PORTAL_DATA_DIR" envDefault:".data"`
	BlobURL   BlobURL        `env:"PORTAL_BLOB_URL"`        // empty: a directory under DataDir
	Proxies   []netip.Prefix `env:"PORTAL_TRUSTED_PROXIES"` // whose X-Forwarded-For counts

	// SellerFile is empty in demo mode for the built-in example.
	SellerFile string `env:"PORTAL_SELLER_FILE"`
	// Seller is what the file says; zero where the command needs none and none is set.
	Seller Seller `env:"-"`

	TelegramBotToken    Secret     `env:"PORTAL_TELEGRAM_BOT_TOKEN"`
	TelegramBotName     BotName    `env:"PORTAL_TELEGRAM_BOT_NAME"` // without @; empty: no Login Widget
	TelegramAPIURL      ServiceURL `env:"PORTAL_TELEGRAM_API_URL" envDefault:"https://api.telegram.org"`
	SandboxAddr         Address    `env:"PORTAL_SANDBOX_ADDR"` // demo mode: where the sandbox listens
	SandboxURL          ServiceURL `env:"PORTAL_SANDBOX_URL"`  // demo mode: a sandbox that runs already; empty: the program's own
	StripeAPIURL        ServiceURL `env:"PORTAL_STRIPE_API_URL" envDefault:"https://api.stripe.com"`
	StripeSecretKey     Secret     `env:"PORTAL_STRIPE_SECRET_KEY"`
	StripeWebhookSecret Secret     `env:"PORTAL_STRIPE_WEBHOOK_SECRET"`
	PayPalAPIURL        ServiceURL `env:"PORTAL_PAYPAL_API_URL" envDefault:"https://api-m.paypal.com"`
	CryptoPayAPIURL     ServiceURL `env:"PORTAL_CRYPTOPAY_API_URL" envDefault:"https://pay.crypt.bot/api"`
	BTCPayURL           ServiceURL `env:"PORTAL_BTCPAY_URL"` // the operator's own server; empty: none
	VIESURL             ServiceURL `env:"PORTAL_VIES_URL" envDefault:"https://ec.europa.eu/taxation_customs/vies/rest-api"`
	SMTPURL             Secret     `env:"PORTAL_SMTP_URL"` // empty: mails are only stored
}

// The bot of demo mode. It does not exist: its sign-ins are signed by the portal
// itself with this token.
const (
	demoBotToken = "7000000001:AADemoTokenOfNoBotAtAll_000000000000"
	demoBotName  = "sip_tg_portal_demo_bot"
)

// VIES is the address of the EU's register of VAT numbers.
const VIES ServiceURL = "https://ec.europa.eu/taxation_customs/vies/rest-api"

// Demo reports whether the portal runs with demo people and sandbox payments.
func (c Config) Demo() bool { return c.Mode == ModeDemo }

// Load reads the configuration for a command of the program ("serve", "bank
// import"). What is set is always checked; what must be set depends on the
// command: migrations need no seller. The error is one line for the operator.
func Load(getenv func(string) string, command string) (Config, error) {
	environment, err := read(getenv)
	if err != nil {
		return Config{}, err
	}
	var c Config
	err = env.ParseWithOptions(&c, env.Options{
		Environment: environment,
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[[]netip.Prefix](): parseProxies},
	})
	if err != nil {
		return Config{}, explain(err)
	}
	command, _, _ = strings.Cut(command, " ")
	if err := c.checkSecrets(); err != nil {
		return Config{}, err
	}
	if err := c.complete(command); err != nil {
		return Config{}, err
	}
	return c, nil
}

// read collects the variables of Config that are set, by value or by file.
func read(getenv func(string) string) (map[string]string, error) {
	set := map[string]string{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		if value := getenv(name); value != "" {
			set[name] = value
		}
		file := getenv(name + "_FILE")
		if field.Type != reflect.TypeFor[Secret]() || file == "" {
			continue
		}
		if set[name] != "" {
			return nil, fmt.Errorf("%s and %s_FILE are both set: take one", name, name)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE takes a file that can be read: %s", name, reason(err))
		}
		value := strings.TrimRight(string(text), "\r\n")
		if value == "" {
			return nil, fmt.Errorf("%s_FILE takes a file that is not empty", name)
		}
		set[name] = value
	}
	return set, nil
}

// reason is why a file cannot be read, without its path.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return "unreadable"
}

// takes is the error of a type's UnmarshalText: what a good value looks like.
type takes string

func (t takes) Error() string { return "takes " + string(t) }

// explain names the variable of the first mistake. It never passes on a message
// that is not ours, since it could repeat the value.
func explain(err error) error {
	if all, ok := errors.AsType[env.AggregateError](err); ok && len(all.Errors) > 0 {
		err = all.Errors[0]
	}
	mistake, _ := errors.AsType[env.ParseError](err)
	what, known := errors.AsType[takes](mistake.Err)
	field, found := reflect.TypeFor[Config]().FieldByName(mistake.Name)
	if !known || !found {
		return errors.New("config: a variable cannot be read") // a mistake in Config itself
	}
	return fmt.Errorf("%s %w", field.Tag.Get("env"), what)
}

// checkSecrets looks at the form of the secrets that have one.
func (c Config) checkSecrets() error {
	for _, s := range []struct {
		name  string
		value Secret
		valid func(string) bool
		takes takes
	}{
		{"DATABASE_URL", c.DatabaseURL, isDatabase, "a PostgreSQL address: postgres://user:password@host:5432/database, or host=... dbname=..."},
		{"PORTAL_TELEGRAM_BOT_TOKEN", c.TelegramBotToken, isBotToken, "the bot's token as BotFather gives it: digits, a colon, letters and digits"},
		{"PORTAL_SMTP_URL", c.SMTPURL, isSMTP, "smtp://user:password@host:587, or smtps:// for TLS from the start"},
	} {
		if !s.value.IsZero() && !s.valid(s.value.Reveal()) {
			return fmt.Errorf("%s %w", s.name, s.takes)
		}
	}
	return nil
}

// complete fills in what depends on other variables and refuses what does not
// fit together.
func (c *Config) complete(command string) error {
	if c.Demo() {
		if !c.Addr.Loopback() {
			return errors.New("PORTAL_ADDR takes only a loopback address in demo mode, such as 127.0.0.1:8080")
		}
		if c.MetricsAddr != "" && !c.MetricsAddr.Loopback() {
			return errors.New("PORTAL_METRICS_ADDR takes only a loopback address in demo mode, such as 127.0.0.1:9090")
		}
		if c.SandboxAddr == "" {
			c.SandboxAddr = c.Addr.next()
		}
		if !c.SandboxAddr.Loopback() {
			return errors.New("PORTAL_SANDBOX_ADDR takes only a loopback address, such as 127.0.0.1:8081")
		}
		if c.TelegramBotToken.IsZero() {
			c.TelegramBotToken = NewSecret(demoBotToken)
			c.TelegramBotName = cmp.Or(c.TelegramBotName, demoBotName)
		}
	}
	if !c.Demo() && (c.SandboxAddr != "" || c.SandboxURL != "") {
		return errors.New("PORTAL_SANDBOX_ADDR and PORTAL_SANDBOX_URL are for demo mode only: PORTAL_MODE=demo")
	}
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		return errors.New("PORTAL_DATA_DIR takes a directory")
	}
	if c.PublicURL == "" && c.Addr.Port() != 0 {
		if err := c.PublicURL.UnmarshalText([]byte("http://" + c.Addr)); err != nil {
			return errors.New("PORTAL_PUBLIC_URL is not set and PORTAL_ADDR is no loopback address: it takes the address people see, such as https://portal.example.com")
		}
	}
	serving := command == "serve" || command == "work"
	if serving && c.TelegramBotToken.IsZero() {
		return errors.New("PORTAL_TELEGRAM_BOT_TOKEN is not set: it takes the token of the bot that people sign in with (or PORTAL_TELEGRAM_BOT_TOKEN_FILE its file)")
	}
	return c.loadSeller(!slices.Contains([]string{"migrate", "staff", "version"}, command))
}

func (c *Config) loadSeller(needed bool) error {
	name, text := c.SellerFile, docs.SellerExample
	switch {
	case name != "":
		content, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("PORTAL_SELLER_FILE takes a seller file like docs/seller.example.toml that can be read: %s", reason(err))
		}
		text = string(content)
	case c.Demo():
		name = "docs/seller.example.toml"
	case needed:
		return errors.New("PORTAL_SELLER_FILE is not set: it takes the path of a seller file like docs/seller.example.toml")
	default:
		return nil
	}
	var err error
	if c.Seller, err = ParseSeller(text); err != nil {
		return fmt.Errorf("PORTAL_SELLER_FILE %q: %w", name, err)
	}
	return nil
}

// Mode says whether money is real.
type Mode string

// The modes.
const (
	ModeProduction Mode = "production"
	ModeDemo       Mode = "demo" // demo people, sandbox payments, a clock that can be moved; loopback only
)

// UnmarshalText refuses everything but the modes.
func (m *Mode) UnmarshalText(text []byte) error {
	*m = Mode(text)
	if *m != ModeProduction && *m != ModeDemo {
		return takes("production or demo")
	}
	return nil
}

// Address is a host and port to listen on, as net.Listen wants it.
type Address string

// UnmarshalText wants a port in digits.
func (a *Address) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil || !isPort(port) || strings.ContainsAny(host, " /@") {
		return takes("a host and port, such as 127.0.0.1:8080")
	}
	*a = Address(text)
	return nil
}

// Port returns the port; 0 is any free one.
func (a Address) Port() int {
	_, port, _ := net.SplitHostPort(string(a))
	n, _ := strconv.Atoi(port)
	return n
}

// next is the address with the next port; any free one stays so.
func (a Address) next() Address {
	host, _, _ := net.SplitHostPort(string(a))
	port := a.Port()
	if port > 0 {
		port = port%65535 + 1
	}
	return Address(net.JoinHostPort(host, strconv.Itoa(port)))
}

// Loopback reports whether only this machine reaches the address.
func (a Address) Loopback() bool {
	host, _, _ := net.SplitHostPort(string(a))
	return isLoopback(host)
}

// Origin is scheme://host[:port] as browsers write it in the header Origin:
// lower case, no port where it is the scheme's own.
type Origin string

// UnmarshalText refuses a path, and http anywhere but on loopback: without TLS
// sign-in cookies could be read on the way.
func (o *Origin) UnmarshalText(text []byte) error {
	u, ok := parseURL(string(text))
	if !ok || (u.Path != "" && u.Path != "/") {
		return takes("an address without a path, such as https://portal.example.com; http:// only with a loopback host")
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	*o = Origin(u.Scheme + "://" + host)
	return nil
}

// Secure reports whether people come by https.
func (o Origin) Secure() bool { return strings.HasPrefix(string(o), "https:") }

// ServiceURL is the address of another service, without a slash at its end.
type ServiceURL string

// UnmarshalText refuses http anywhere but on loopback: keys go to these addresses.
func (s *ServiceURL) UnmarshalText(text []byte) error {
	u, ok := parseURL(string(text))
	if !ok {
		return takes("an address such as https://api.example.com/v1; http:// only with a loopback host")
	}
	*s = ServiceURL(strings.TrimRight(u.String(), "/"))
	return nil
}

// BlobURL is a gocloud.dev/blob URL. Which schemes exist is package blob's
// business.
type BlobURL string

// UnmarshalText wants a scheme.
func (b *BlobURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return takes("a gocloud.dev/blob URL, such as file:///var/lib/portal/blobs")
	}
	*b = BlobURL(text)
	return nil
}

// BotName is the username of a Telegram bot, without @.
type BotName string

// UnmarshalText wants the form of a Telegram username.
func (b *BotName) UnmarshalText(text []byte) error {
	if len(text) < 4 || len(text) > 32 || !isASCIILetter(text[0]) || !only(string(text), isWord) {
		return takes("the bot's username without @: 4 to 32 letters, digits and underscores")
	}
	*b = BotName(text)
	return nil
}

func parseProxies(list string) (any, error) {
	var prefixes []netip.Prefix
	for item := range strings.SplitSeq(list, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(item))
		if err != nil {
			return nil, takes("networks parted by commas, such as 10.0.0.0/8,fd00::/8")
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// parseURL reads an http or https address that carries no password, query or
// fragment, http only for a loopback host.
func parseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !only(s, isVisible) {
		return nil, false
	}
	if strings.HasSuffix(u.Host, ":") || (u.Port() != "" && (!isPort(u.Port()) || u.Port() == "0")) {
		return nil, false
	}
	return u, u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname()))
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.Unmap().IsLoopback())
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil && only(s, isASCIIDigit)
}

// isDatabase knows both forms that PostgreSQL's own tools take. The rest is for
// the driver to judge.
func isDatabase(s string) bool {
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
	}
	key, _, ok := strings.Cut(s, "=")
	return ok && only(strings.TrimSpace(key), isWord)
}

func isBotToken(s string) bool {
	id, rest, ok := strings.Cut(s, ":")
	return ok && only(id, isASCIIDigit) && len(rest) >= 20 && only(rest, func(c byte) bool { return isWord(c) || c == '-' })
}

func isSMTP(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "smtp" || u.Scheme == "smtps") && u.Hostname() != "" &&
		(u.Port() == "" || isPort(u.Port())) && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

// only reports whether s is not empty and every byte of it is valid.
func only(s string, valid func(byte) bool) bool {
	for i := range len(s) {
		if !valid(s[i]) {
			return false
		}
	}
	return s != ""
}

func isASCIIDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isASCIILetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isWord(c byte) bool        { return isASCIILetter(c) || isASCIIDigit(c) || c == '_' }
func isVisible(c byte) bool     { return ' ' < c && c < 0x7f }
