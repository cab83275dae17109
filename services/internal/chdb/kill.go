package chdb

import "fmt"

// Tag marks every following statement of the session, so that Engine.Kill can find it.
func (c *Conn) Tag(tag string) error {
	if err := c.Exec("SET log_comment = " + QuoteString(tag)); err != nil {
		return fmt.Errorf("tag session: %w", err)
	}
	return nil
}

// Kill asks the engine to stop what runs under a tag. It returns at once; the killed call ends
// with code 394. A statement that has not begun yet is not found, so the caller repeats the kill
// until its call has returned.
func (e *Engine) Kill(tag string) error {
	e.killing.Lock()
	defer e.killing.Unlock()
	if err := e.anchor.Exec("KILL QUERY WHERE Settings['log_comment'] = " + QuoteString(tag) + " ASYNC"); err != nil {
		return fmt.Errorf("kill query: %w", err)
	}
	return nil
}
