// The echo server in Go: a goroutine and a buffer per connection, of so many bytes as the argument says, or 16 KiB. The
// listener's backlog is somaxconn. GOMAXPROCS=1, since the server has one core. With the argument "copy" it is io.Copy
// instead, which on Linux splices through a pipe: the program never sees the bytes, as an application would.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
)

var size = 16 * 1024

func echo(conn *net.TCPConn) {
	defer conn.Close()
	conn.SetNoDelay(true)
	if len(os.Args) > 1 && os.Args[1] == "copy" {
		io.Copy(conn, conn)
		return
	}
	buffer := make([]byte, size)
	for {
		got, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:got]); err != nil {
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) > 1 {
		if given, err := strconv.Atoi(os.Args[1]); err == nil {
			size = given
		}
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s (%s, pid %d)\n", listener.Addr(), runtime.Version(), os.Getpid())
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go echo(conn)
	}
}
