package chserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// Run serves until ctx ends, then lets running requests finish and stops the engine. A process can
// call it once: the engine does not start again after it was stopped.
func Run(ctx context.Context, c Config, s Settings) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("check configuration: %w", err)
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	path, err := chdb.Find(c.Lib)
	if err != nil {
		return err
	}
	// The address is taken before the engine starts, so that a busy one costs nothing.
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // the server has closed it, but for an early return
	engine, err := startEngine(path, c)
	if err != nil {
		return err
	}
	if engine.LostBlocks > 0 {
		s.Logger.Warn("a killed engine had noted blocks that it did not store; they can be inserted again", "blocks", engine.LostBlocks)
	}
	err = serve(ctx, engine, listener, c, s)
	return errors.Join(err, engine.Close())
}

func startEngine(path string, c Config) (*chdb.Engine, error) {
	lib, err := chdb.Load(path)
	if err != nil {
		return nil, err
	}
	config, err := writeEngineConfig(c)
	if err != nil {
		return nil, err
	}
	return lib.Start(c.DataDir, "--config-file="+config)
}

func serve(ctx context.Context, engine *chdb.Engine, listener net.Listener, c Config, s Settings) error {
	handler, err := NewHandler(engine, c, s)
	if err != nil {
		return err
	}
	base, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 20, // bound parameters travel in the URL
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.Logger.Info("clickhouse is ready", "address", listener.Addr().String(), "version", handler.Version())
	if s.Ready != nil {
		s.Ready(listener.Addr().String())
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve clickhouse: %w", err)
	case err := <-handler.damage.found:
		return errors.Join(err, drain(server, cut, served, c.DrainTimeout))
	case <-ctx.Done():
	}
	return drain(server, cut, served, c.DrainTimeout)
}

var errStopping = errors.New("the server is stopping")

// drain waits for running requests; those that outlast the timeout are killed in the engine.
func drain(server *http.Server, cut context.CancelCauseFunc, served <-chan error, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		cut(errStopping)
		last, stop := context.WithTimeout(context.Background(), timeout)
		defer stop()
		err = server.Shutdown(last)
	}
	if err := errors.Join(err, server.Close()); err != nil {
		return fmt.Errorf("drain requests: %w", err)
	}
	_ = <-served // says that the server was closed, which it was asked to be
	return nil
}
