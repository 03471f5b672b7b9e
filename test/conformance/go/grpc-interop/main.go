// One case of gRPC interoperability, run by grpc-go's own client against the server at -target. Exits 0 and prints
// "ok", or says what was otherwise and exits 1. The server under test echoes each Check's message; it waits for the
// test's word before it answers one that begins with "hold".
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	check    = "/envoy.service.auth.v3.Authorization/Check"
	patience = 20 * time.Second
)

// The bytes of a message, as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }
func (rawCodec) Name() string                       { return "proto" }

var raw = grpc.ForceCodec(rawCodec{})

var _ encoding.Codec = rawCodec{}

var cases = map[string]func(*grpc.ClientConn) error{
	"empty message":               emptyMessage,
	"large message":               largeMessage,
	"compressed request":          compressedRequest,
	"health":                      health,
	"health watch":                healthWatch,
	"unimplemented":               unimplemented,
	"special status message":      specialStatusMessage,
	"metadata":                    customMetadata,
	"deadline":                    deadline,
	"cancel after begin":          cancelAfterBegin,
	"many at once":                manyAtOnce,
	"one after another":           oneAfterAnother,
	"message beyond the size cap": beyondSizeCap,
	"through drains":              throughDrains,
}

func main() {
	target := flag.String("target", "", "host:port, or unix:/path")
	name := flag.String("case", "", "which one")
	ca := flag.String("ca", "", "PEM of the server's certificate: speak TLS")
	cert := flag.String("cert", "", "PEM of our own certificate")
	key := flag.String("key", "", "PEM of its key")
	flag.Parse()
	run, known := cases[*name]
	if !known {
		fail(fmt.Errorf("no case %q", *name))
	}
	security, err := securityOf(*ca, *cert, *key)
	if err != nil {
		fail(err)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(128<<20), grpc.WaitForReady(true)),
	}
	conn, err := grpc.NewClient(*target, options...)
	if err != nil {
		fail(err)
	}
	defer conn.Close()
	if err := run(conn); err != nil {
		fail(err)
	}
	fmt.Println("ok")
}

func fail(err error) {
	fmt.Println("failed:", err)
	os.Exit(1)
}

func securityOf(ca, cert, key string) (credentials.TransportCredentials, error) {
	if ca == "" {
		return insecure.NewCredentials(), nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// Sends message as a Check and compares the answer with it.
func echo(ctx context.Context, conn *grpc.ClientConn, message []byte, options ...grpc.CallOption) error {
	var answer []byte
	if err := conn.Invoke(ctx, check, &message, &answer, append(options, raw)...); err != nil {
		return err
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("sent %d bytes, got %d others", len(message), len(answer))
	}
	return nil
}

func expect(err error, code codes.Code) error {
	if status.Code(err) != code {
		return fmt.Errorf("expected %v, got %v", code, err)
	}
	return nil
}

func noise(length int) []byte {
	message := make([]byte, length)
	rand.New(rand.NewSource(int64(length))).Read(message)
	return message
}

func emptyMessage(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	return echo(ctx, conn, []byte{})
}

// Spans frames and both sides' windows. Lengths around those of a frame and of the initial window come first.
func largeMessage(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	for _, length := range []int{1, 16_378, 16_379, 16_380, 16_384, 65_529, 65_530, 65_531, 65_535, 271_828, 8 << 20} {
		if err := echo(ctx, conn, noise(length)); err != nil {
			return fmt.Errorf("%d bytes: %w", length, err)
		}
	}
	return nil
}

// Refused by the book, as one whose server knows no compression; then the call may be made without.
func compressedRequest(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	err := echo(ctx, conn, bytes.Repeat([]byte("portcullis"), 10_000), grpc.UseCompressor("gzip"))
	if err := expect(err, codes.Unimplemented); err != nil {
		return err
	}
	return echo(ctx, conn, []byte("after it"))
}

func health(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	client := healthpb.NewHealthClient(conn)
	for _, service := range []string{"", "envoy.service.auth.v3.Authorization"} {
		answer, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			return err
		}
		if answer.Status != healthpb.HealthCheckResponse_SERVING {
			return fmt.Errorf("%q is %v", service, answer.Status)
		}
	}
	_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody's"})
	return expect(err, codes.NotFound)
}

// The test makes the server serve again after it has read the first line.
func healthWatch(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	watch, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	for _, expected := range []healthpb.HealthCheckResponse_ServingStatus{2, 1} {
		answer, err := watch.Recv()
		if err != nil {
			return err
		}
		if answer.Status != expected {
			return fmt.Errorf("expected %v, got %v", expected, answer.Status)
		}
		fmt.Println("status", answer.Status)
	}
	return nil
}

func unimplemented(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	for _, path := range []string{"/envoy.service.auth.v3.Authorization/Chec", "/no.Such/Check", "/x", "/grpc.health.v1.Health/List"} {
		var message, answer []byte
		if err := expect(conn.Invoke(ctx, path, &message, &answer, raw), codes.Unimplemented); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		// One whose answer is there before its message is sent whole.
		large := noise(4 << 20)
		if err := expect(conn.Invoke(ctx, path, &large, &answer, raw), codes.Unimplemented); err != nil {
			return fmt.Errorf("%s, a large message: %w", path, err)
		}
	}
	return echo(ctx, conn, []byte("after them"))
}

// What the server says of a path must survive the way (percent-encoding of grpc-message).
func specialStatusMessage(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	for _, path := range []string{"/a.B/%", "/a.B/%41", "/a.B/\u00fc\u4e2d", "/a.B/~"} {
		var message, answer []byte
		err := conn.Invoke(ctx, path, &message, &answer, raw)
		if err := expect(err, codes.Unimplemented); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		if status.Convert(err).Message() == "" {
			return fmt.Errorf("%q: no message", path)
		}
	}
	return nil
}

// Names and values that a server has to carry past: binary ones, repeated ones, empty ones, as much as a list may hold.
func customMetadata(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	sent := metadata.Pairs("x-a", "1", "x-a", "2", "x-empty", "", "x-bin", string(noise(300)), "x-long", string(bytes.Repeat([]byte("v"), 4000)))
	for range 20 {
		if err := echo(metadata.NewOutgoingContext(ctx, sent), conn, []byte("m")); err != nil {
			return err
		}
	}
	return nil
}

// The server never answers; the caller's time ends.
func deadline(conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := expect(echo(ctx, conn, []byte("hold for ever")), codes.DeadlineExceeded); err != nil {
		return err
	}
	ctx, cancel = within()
	defer cancel()
	return echo(ctx, conn, []byte("after it"))
}

func cancelAfterBegin(conn *grpc.ClientConn) error {
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- echo(ctx, conn, []byte("hold for ever")) }()
		time.Sleep(5 * time.Millisecond)
		cancel()
		if err := expect(<-ended, codes.Canceled); err != nil {
			return err
		}
	}
	ctx, cancel := within()
	defer cancel()
	return echo(ctx, conn, []byte("after them"))
}

// Far more callers than a connection may have streams; lengths of all kinds among them.
func manyAtOnce(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	errs := make(chan error)
	const callers, calls = 300, 12
	for caller := range callers {
		go func() {
			for call := range calls {
				length := (caller*31 + call*997) % 3000
				if caller%75 == 0 {
					length *= 100
				}
				if err := echo(ctx, conn, noise(length)); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range callers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// More than any window in total: what is received must be given back, or the calls stall.
func oneAfterAnother(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	for call := range 1020 {
		length := 100 + call%100
		if call%51 == 0 {
			length = 1 << 20
		}
		if err := echo(ctx, conn, noise(length)); err != nil {
			return fmt.Errorf("call %d: %w", call, err)
		}
	}
	return nil
}

func beyondSizeCap(conn *grpc.ClientConn) error {
	ctx, cancel := within()
	defer cancel()
	if err := expect(echo(ctx, conn, make([]byte, 64<<20+1)), codes.ResourceExhausted); err != nil {
		return err
	}
	return echo(ctx, conn, []byte("after it"))
}

// Calls without a pause, while the test drains the server and starts another in its place, again and again;
// ends at SIGTERM.
func throughDrains(conn *grpc.ClientConn) error {
	var stop sync.WaitGroup
	errs := make(chan error, 1)
	ended := make(chan struct{})
	for caller := range 20 {
		stop.Add(1)
		go func() {
			defer stop.Done()
			for call := 0; ; call++ {
				select {
				case <-ended:
					return
				default:
				}
				ctx, cancel := within()
				err := echo(ctx, conn, noise(caller*100+call%100))
				cancel()
				if err != nil {
					select {
					case errs <- fmt.Errorf("caller %d, call %d: %w", caller, call, err):
					default:
					}
					return
				}
			}
		}()
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	fmt.Println("calling")
	<-told
	close(ended)
	stop.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
