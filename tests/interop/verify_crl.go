// verify_crl: a revocation list, read and verified by Go's crypto/x509.
//
//	verify_crl CA.der LIST.der     one line an entry: serial, date, reason;
//	                               then "number N this T next T"
package main

import (
	"crypto/x509"
	"fmt"
	"os"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func main() {
	der, err := os.ReadFile(os.Args[1])
	must(err)
	ca, err := x509.ParseCertificate(der)
	must(err)
	der, err = os.ReadFile(os.Args[2])
	must(err)
	list, err := x509.ParseRevocationList(der)
	must(err)
	must(list.CheckSignatureFrom(ca))
	for _, e := range list.RevokedCertificates {
		reason := 0
		for _, x := range e.Extensions {
			if x.Id.String() == "2.5.29.21" {
				reason = int(x.Value[2])
			}
		}
		fmt.Printf("%032X\t%d\t%d\n", e.SerialNumber,
			e.RevocationTime.Unix(), reason)
	}
	fmt.Printf("number %v this %d next %d\n", list.Number,
		list.ThisUpdate.Unix(), list.NextUpdate.Unix())
}
