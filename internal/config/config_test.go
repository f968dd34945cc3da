package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siptg/portal/docs"
	"github.com/siptg/portal/internal/config"
)

const token = "7000000001:AAFakeTokenForVectorsOnly_0123456789ab"

// production returns an environment that is complete, with changes.
func production(t *testing.T, changes map[string]string) func(string) string {
	t.Helper()
	seller := filepath.Join(t.TempDir(), "seller.toml")
	if err := os.WriteFile(seller, []byte(docs.SellerExample), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"PORTAL_SELLER_FILE": seller, "PORTAL_TELEGRAM_BOT_TOKEN": token, "PORTAL_DATA_DIR": t.TempDir(),
	}
	return func(name string) string {
		if value, changed := changes[name]; changed {
			return value
		}
		return environment[name]
	}
}

func demo(changes map[string]string) func(string) string {
	return func(name string) string {
		if value, changed := changes[name]; changed || name != "PORTAL_MODE" {
			return value
		}
		return "demo"
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(production(t, map[string]string{"PORTAL_DATA_DIR": ""}), "serve")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.TelegramBotToken.Reveal(); got != token {
		t.Errorf("token %q", got)
	}
	if c.Demo() || c.PublicURL.Secure() || c.Seller.Name != "SIP.TG Demo, MB" {
		t.Errorf("demo %v, secure %v, seller %q", c.Demo(), c.PublicURL.Secure(), c.Seller.Name)
	}
	c.TelegramBotToken, c.SellerFile, c.Seller = config.Secret{}, "", config.Seller{}
	want := config.Config{
		Mode: "production", Addr: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080", DataDir: ".data",
		TelegramAPIURL: "https://api.telegram.org", StripeAPIURL: "https://api.stripe.com", PayPalAPIURL: "https://api-m.paypal.com",
		CryptoPayAPIURL: "https://pay.crypt.bot/api", VIESURL: "https://ec.europa.eu/taxation_customs/vies/rest-api",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	c, err := config.Load(demo(nil), "serve")
	if err != nil {
		t.Fatal(err)
	}
	if !c.Demo() || !strings.HasPrefix(c.TelegramBotToken.Reveal(), "7000000001:AADemo") || c.TelegramBotName == "" || len(c.Seller.Books) != 2 {
		t.Errorf("got %+v with %d books", c, len(c.Seller.Books))
	}
	// The name belongs to the token: another bot does not get the demo's.
	if c, err = config.Load(demo(map[string]string{"PORTAL_TELEGRAM_BOT_TOKEN": token}), "serve"); err != nil || c.TelegramBotName != "" || c.TelegramBotToken.Reveal() != token {
		t.Errorf("got name %q, error %v", c.TelegramBotName, err)
	}
}

func TestGoodValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		get         func(config.Config) any
		want        any
	}{
		{"PORTAL_ADDR", "[::1]:80", func(c config.Config) any { return c.PublicURL }, config.Origin("http://[::1]")},
		{"PORTAL_ADDR", "localhost:1234", func(c config.Config) any { return c.PublicURL }, config.Origin("http://localhost:1234")},
		{"PORTAL_ADDR", "127.0.0.1:0", func(c config.Config) any { return c.PublicURL }, config.Origin("")},
		{"PORTAL_METRICS_ADDR", ":9090", func(c config.Config) any { return c.MetricsAddr }, config.Address(":9090")},
		{"PORTAL_PUBLIC_URL", "https://Portal.Example.com:443/", func(c config.Config) any { return c.PublicURL }, config.Origin("https://portal.example.com")},
		{"PORTAL_PUBLIC_URL", "https://portal.example.com:8443", func(c config.Config) any { return c.PublicURL.Secure() }, true},
		{"PORTAL_PUBLIC_URL", "http://127.0.0.1:80", func(c config.Config) any { return c.PublicURL }, config.Origin("http://127.0.0.1")},
		{"PORTAL_BLOB_URL", "s3://bucket?region=eu-north-1", func(c config.Config) any { return c.BlobURL }, config.BlobURL("s3://bucket?region=eu-north-1")},
		{"PORTAL_TELEGRAM_BOT_NAME", "SipTg_bot", func(c config.Config) any { return c.TelegramBotName }, config.BotName("SipTg_bot")},
		{"PORTAL_VIES_URL", "http://127.0.0.1:9/vies/", func(c config.Config) any { return c.VIESURL }, config.ServiceURL("http://127.0.0.1:9/vies")},
		{"PORTAL_TRUSTED_PROXIES", "10.1.2.3/8, fd00::/8", func(c config.Config) any { return c.Proxies }, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}},
		{"DATABASE_URL", "postgres://u:p@h:5432/d", func(c config.Config) any { return c.DatabaseURL.Reveal() }, "postgres://u:p@h:5432/d"},
		{"DATABASE_URL", "host=/run/postgresql dbname=portal", func(c config.Config) any { return c.DatabaseURL.Reveal() }, "host=/run/postgresql dbname=portal"},
		{"PORTAL_SMTP_URL", "smtp://user:pass@mail.example:587", func(c config.Config) any { return c.SMTPURL.Reveal() }, "smtp://user:pass@mail.example:587"},
	} {
		t.Run(tt.name+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(production(t, map[string]string{tt.name: tt.value}), "serve")
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A wrong value gives one line that begins with the variable and does not depend
// on the value: a secret may stand in the wrong variable.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file-of-the-test")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string][]string{
		"PORTAL_MODE":               {"Demo", "prod", "demo "},
		"PORTAL_ADDR":               {"8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:+80", "http://127.0.0.1:8080", "a b:80"},
		"PORTAL_METRICS_ADDR":       {"9090", "127.0.0.1:-1"},
		"PORTAL_PUBLIC_URL":         {"portal.example.com", "https://", "https://a.example/path", "https://a.example?q", "https://a.example/#f", "https://u:p@a.example", "ftp://a.example", "http://a.example", "http://10.0.0.1", "https://a.example:0", "https://a.example:", "https://a.example:99999", "https://пример.example", "//a.example"},
		"PORTAL_DATA_DIR":           {file},
		"PORTAL_BLOB_URL":           {"/var/lib/portal", "bucket:name", "%zz://"},
		"PORTAL_SELLER_FILE":        {filepath.Join(t.TempDir(), "missing.toml"), t.TempDir()},
		"PORTAL_TELEGRAM_BOT_TOKEN": {"AAFakeTokenForVectorsOnly", "7000000001:short", ":AAFakeTokenForVectorsOnly_0123456789ab", "7000000001:AAFakeToken ForVectorsOnly_012345", "bot:AAFakeTokenForVectorsOnly_0123456789ab"},
		"PORTAL_TELEGRAM_BOT_NAME":  {"@sip_tg_bot", "bot", "1bot", "sip-tg", strings.Repeat("b", 33), "bot\nname"},
		"PORTAL_TELEGRAM_API_URL":   {"api.telegram.org", "http://api.telegram.org", "https://u:p@api.telegram.org", "https://api.telegram.org?x=1"},
		"PORTAL_STRIPE_API_URL":     {"http://stripe.example"},
		"PORTAL_PAYPAL_API_URL":     {"paypal"},
		"PORTAL_CRYPTOPAY_API_URL":  {"ftp://pay.crypt.bot"},
		"PORTAL_BTCPAY_URL":         {"http://btcpay.example"},
		"PORTAL_VIES_URL":           {"https://"},
		"PORTAL_SMTP_URL":           {"mail.example:587", "smtp://", "smtp://u:p@mail.example:x", "https://mail.example", "smtp://mail.example/path"},
		"PORTAL_TRUSTED_PROXIES":    {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/8,", "all", "10.0.0.0/8 fd00::/8"},
		"DATABASE_URL":              {"mysql://u:secret-of-the-test@h/d", "postgres://u:secret-of-the-test@h:port/d", "portal", "=x", "host name=x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := ""
			for _, value := range values {
				_, err := config.Load(production(t, map[string]string{name: value}), "serve")
				oneLine(t, err, name+" ")
				line, _, _ := strings.Cut(err.Error(), " that can be read: ") // a reason of the system follows
				if first == "" {
					first = line
				}
				if line != first || (name == "PORTAL_SELLER_FILE" && strings.Contains(err.Error(), value)) {
					t.Errorf("%q gives %q, another value %q", value, err, first)
				}
			}
		})
	}
}

func oneLine(t *testing.T, err error, prefix string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if s := err.Error(); !strings.HasPrefix(s, prefix) || strings.Contains(s, "\n") || !strings.Contains(s, "take") {
		t.Fatalf("%q is not one line that begins with %q and tells what it takes", s, prefix)
	}
}

func TestDemoRefusesToBeSeen(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"PORTAL_ADDR", "PORTAL_METRICS_ADDR"} {
		for _, value := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.168.1.5:8080", "portal.example:8080", "127.0.0.1.example:8080"} {
			_, err := config.Load(demo(map[string]string{name: value, "PORTAL_PUBLIC_URL": "https://portal.example"}), "serve")
			oneLine(t, err, name+" ")
		}
	}
}

func TestWhatACommandNeeds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, unset, want string }{
		{"serve", "PORTAL_SELLER_FILE", "PORTAL_SELLER_FILE "},
		{"serve", "PORTAL_TELEGRAM_BOT_TOKEN", "PORTAL_TELEGRAM_BOT_TOKEN "},
		{"work", "PORTAL_SELLER_FILE", "PORTAL_SELLER_FILE "},
		{"work", "PORTAL_TELEGRAM_BOT_TOKEN", "PORTAL_TELEGRAM_BOT_TOKEN "},
		{"bank import", "PORTAL_SELLER_FILE", "PORTAL_SELLER_FILE "},
		{"bank import", "PORTAL_TELEGRAM_BOT_TOKEN", ""},
		{"audit", "PORTAL_SELLER_FILE", "PORTAL_SELLER_FILE "},
		{"migrate", "PORTAL_SELLER_FILE", ""},
		{"staff add", "PORTAL_SELLER_FILE", ""},
		{"version", "PORTAL_SELLER_FILE", ""},
	} {
		_, err := config.Load(production(t, map[string]string{tt.unset: ""}), tt.command)
		switch {
		case tt.want != "":
			oneLine(t, err, tt.want)
		case err != nil:
			t.Errorf("%s without %s: %v", tt.command, tt.unset, err)
		}
	}
	_, err := config.Load(production(t, map[string]string{"PORTAL_ADDR": "0.0.0.0:8080"}), "serve")
	oneLine(t, err, "PORTAL_PUBLIC_URL ")
	// What is set is checked, needed or not.
	_, err = config.Load(production(t, map[string]string{"PORTAL_SELLER_FILE": "missing"}), "migrate")
	oneLine(t, err, "PORTAL_SELLER_FILE ")
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range []string{"DATABASE_URL", "PORTAL_TELEGRAM_BOT_TOKEN", "PORTAL_SMTP_URL", "PORTAL_STRIPE_SECRET_KEY", "PORTAL_STRIPE_WEBHOOK_SECRET"} {
		value := map[string]string{"DATABASE_URL": "postgres://h/d", "PORTAL_TELEGRAM_BOT_TOKEN": token, "PORTAL_SMTP_URL": "smtp://h"}[name]
		if value == "" {
			value = "sk_of_the_test"
		}
		path := write(name, value+"\r\n")
		c, err := config.Load(production(t, map[string]string{name: "", name + "_FILE": path}), "serve")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		field, _ := reflect.TypeFor[config.Config]().FieldByNameFunc(func(field string) bool {
			f, _ := reflect.TypeFor[config.Config]().FieldByName(field)
			return f.Tag.Get("env") == name
		})
		if got := reflect.ValueOf(c).FieldByIndex(field.Index).Interface().(config.Secret).Reveal(); got != value {
			t.Errorf("%s: got %q", name, got)
		}
		_, err = config.Load(production(t, map[string]string{name: value, name + "_FILE": path}), "serve")
		oneLine(t, err, name+" and "+name+"_FILE ")
		_, err = config.Load(production(t, map[string]string{name: "", name + "_FILE": write("empty", "\n")}), "serve")
		oneLine(t, err, name+"_FILE ")
		_, err = config.Load(production(t, map[string]string{name: "", name + "_FILE": filepath.Join(dir, "missing")}), "serve")
		oneLine(t, err, name+"_FILE ")
	}
	_, err := config.Load(production(t, map[string]string{"DATABASE_URL_FILE": write("wrong", "wrong-of-the-test")}), "serve")
	oneLine(t, err, "DATABASE_URL ")
	if strings.Contains(err.Error(), "wrong-of-the-test") {
		t.Errorf("repeats the secret: %v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	const canary = "CanaryOfTheTest_0123456789"
	c, err := config.Load(production(t, map[string]string{
		"PORTAL_TELEGRAM_BOT_TOKEN": "70000001:" + canary, "DATABASE_URL": "postgres://u:" + canary + "@h/d", "PORTAL_SMTP_URL": "smtp://u:" + canary + "@h",
		"PORTAL_STRIPE_SECRET_KEY": canary, "PORTAL_STRIPE_WEBHOOK_SECRET": canary,
	}), "serve")
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	hidden := struct {
		c config.Config
		s config.Secret
		p *config.Secret
	}{c, c.DatabaseURL, &c.DatabaseURL}
	printed.WriteString(c.DatabaseURL.String() + slog.AnyValue(c.SMTPURL).Resolve().String() + "\n")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&printed, verb+verb+verb+verb+"\n", c, &c, hidden, c.SMTPURL)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("start", "config", c, "pointer", &c, "secret", c.DatabaseURL, "hidden", hidden)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("start", "config", c, "pointer", &c, "secret", c.DatabaseURL, "hidden", hidden)
	if err := json.NewEncoder(&printed).Encode(c); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("%d", []byte(canary))} {
		if strings.Contains(printed.String(), form) {
			t.Errorf("printed: %s", printed.String())
		}
	}
	if !strings.Contains(printed.String(), "[secret]") || !strings.Contains(printed.String(), "127.0.0.1:8080") {
		t.Errorf("nothing was printed at all: %s", printed.String())
	}
	if diff := cmp.Diff(c.DatabaseURL.Reveal(), "postgres://u:"+canary+"@h/d"); diff != "" {
		t.Error(diff)
	}
}

// The manual names every variable, and its files.
func TestManualIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		name := field.Tag.Get("env")
		if name != "-" && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/configuration.md does not name %s", name)
		}
		if preset := field.Tag.Get("envDefault"); !strings.Contains(string(text), preset) {
			t.Errorf("docs/configuration.md does not name %s, the default of %s", preset, name)
		}
	}
}
