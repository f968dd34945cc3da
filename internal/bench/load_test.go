package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// connections is how many clients ask at once, each on its own connection and
// without a pause.
const connections = 16

// request is a GET as it stands on the wire.
func request(path, token string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sid=%s\r\n\r\n", path, token)
}

// outcome is what a stretch of load brought.
type outcome struct {
	took  time.Duration
	cpu   time.Duration   // of both programs
	times []time.Duration // of each request
}

func (o outcome) perSecond() float64 { return float64(len(o.times)) / o.took.Seconds() }

// microseconds is the processor time of one request.
func (o outcome) microseconds() float64 { return o.cpu.Seconds() * 1e6 / float64(len(o.times)) }

func (o *outcome) add(other outcome) {
	o.took += other.took
	o.cpu += other.cpu
	o.times = append(o.times, other.times...)
}

// milliseconds is the time within which p percent of the requests were answered.
func (o outcome) milliseconds(p int) float64 {
	slices.Sort(o.times)
	return o.times[(len(o.times)-1)*p/100].Seconds() * 1000
}

// load asks a server for a while. The requests go around in turn. net/http's
// client would cost more than the server that is measured, and hide what
// differs; this one writes ready bytes and reads as little as it must.
func load(ctx context.Context, addr string, requests [][]byte, long time.Duration) (outcome, error) {
	var (
		all   = outcome{}
		mu    sync.Mutex
		group sync.WaitGroup
		first error
	)
	began := time.Now()
	for i := range connections {
		group.Go(func() {
			times, err := client(ctx, addr, requests, i*len(requests)/connections, began.Add(long))
			mu.Lock()
			defer mu.Unlock()
			all.times = append(all.times, times...)
			if first == nil {
				first = err
			}
		})
	}
	group.Wait()
	all.took = time.Since(began)
	if first == nil && len(all.times) == 0 {
		first = fmt.Errorf("bench: no answer in %s", long)
	}
	return all, first
}

func client(ctx context.Context, addr string, requests [][]byte, next int, until time.Time) ([]time.Duration, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(until.Add(10 * time.Second)); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	times := make([]time.Duration, 0, 1<<14)
	for now := time.Now(); now.Before(until); {
		if _, err := conn.Write(requests[next%len(requests)]); err != nil {
			return times, err
		}
		if err := skipAnswer(r); err != nil {
			return times, err
		}
		next++
		done := time.Now()
		times = append(times, done.Sub(now))
		now = done
	}
	return times, nil
}

// skipAnswer reads one answer that has to be 200 and to say how long it is.
func skipAnswer(r *bufio.Reader) error {
	length := -1
	for n := 0; ; n++ {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if n == 0 && string(line) != "HTTP/1.1 200 OK\r\n" {
			return fmt.Errorf("bench: the server answers %q", line)
		}
		if len(line) == 2 {
			break
		}
		if value, ok := cutHeader(line, "Content-Length:"); ok {
			length = 0
			for _, c := range value {
				if c >= '0' && c <= '9' {
					length = length*10 + int(c-'0')
				}
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("bench: an answer without Content-Length")
	}
	_, err := r.Discard(length)
	return err
}

func cutHeader(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || string(line[:len(name)]) != name {
		return nil, false
	}
	return line[len(name):], true
}

// fetch is one request by net/http, for looking at what is served.
func fetch(ctx context.Context, addr, path, token string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		return "", err
	}
	r.AddCookie(&http.Cookie{Name: "sid", Value: token})
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("bench: %s: %s %.500s", path, answer.Status, body)
	}
	return string(body), err
}
