// Package command is the command line of ntegral-loadtest: it reads flags, calls
// one package for each subcommand, and holds no logic of its own.
//
// Every subcommand writes its result to standard output and leaves standard
// error to progress; a result that is not what it should be is an error, so that
// a Makefile and CI need not read what was printed.
package command
