// Verifies a chain with crypto/x509 alone: verify_chain ROOT.pem LIST.der
// ISSUING.pem DEVICE.pem... The list is the root's, and does not name ISSUING.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify_chain:", err)
		os.Exit(1)
	}
}

func cert(name string) *x509.Certificate {
	bytes, err := os.ReadFile(name)
	must(err)
	block, _ := pem.Decode(bytes)
	if block == nil || block.Type != "CERTIFICATE" {
		must(fmt.Errorf("%s has no certificate", name))
	}
	c, err := x509.ParseCertificate(block.Bytes)
	must(err)
	return c
}

func main() {
	root, issuing := cert(os.Args[1]), cert(os.Args[3])
	der, err := os.ReadFile(os.Args[2])
	must(err)
	list, err := x509.ParseRevocationList(der)
	must(err)
	must(list.CheckSignatureFrom(root))
	for _, entry := range list.RevokedCertificates {
		if entry.SerialNumber.Cmp(issuing.SerialNumber) == 0 {
			must(fmt.Errorf("the list names the issuing CA"))
		}
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	options.Roots.AddCert(root)
	options.Intermediates.AddCert(issuing)
	for _, name := range os.Args[4:] {
		_, err := cert(name).Verify(options)
		must(err)
	}
	fmt.Println("verified", len(os.Args)-4)
}
